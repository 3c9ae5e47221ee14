"""Dagger's SDK, loaded with or without what keelway's own program need not pay for.

The SDK wraps each of its thousand methods in a check by beartype when it is imported: half of
what its import takes. What keelway's own program calls has been checked by a type checker; what
pipelines of others call is checked by the SDK as ever.

It also makes a converter of values for each field that is selected, some thousand in a release,
though what is selected is written by one that is always the same; one that reads answers is made
where an answer is not a plain value.

Where nobody traces, it does not load what sends traces, which is a tenth of its import.

What it asks goes through httpx, and takes a connection of our own instead: `_sdk_transport`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_TELEMETRY = "dagger.telemetry"
_PLAIN = (str, int, bool, float)


class _Checks:
    """Whether the SDK is to check, and to trace."""

    wanted = True
    traced = True


def without_checks(*, traced: bool = True) -> None:
    """Say that every call of this process is keelway's own; the SDK is not loaded by this.

    Args:
        traced: Whether the environment asks for traces, or says what they belong to.
    """
    _Checks.wanted = False
    _Checks.traced = traced


def load_sdk() -> None:
    """Import the SDK, where nobody has yet."""
    if _Checks.wanted or "dagger" in sys.modules:
        return
    with suppress(ImportError):  # a later SDK may do without
        beartype: Any = import_module("beartype")
        checking = beartype.beartype
        beartype.beartype = _unchecked
        try:
            with _telemetry():
                import_module("dagger")
        finally:
            beartype.beartype = checking
        core: Any = import_module("dagger.client._core")
        core.make_converter = _sparing(core.make_converter)
        session: Any = import_module("dagger.client._session")
        session.HTTPXAsyncTransport = import_module("keelway._sdk_transport").LoopbackTransport


@contextmanager
def _telemetry() -> Generator[None]:
    """Have the SDK's connections trace nothing where nobody does; who asks later gets the real."""
    if _Checks.traced:
        yield
        return
    silent: Any = ModuleType(_TELEMETRY)
    silent.initialize = _nothing
    sys.modules[_TELEMETRY] = silent
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _unchecked(*given: object, **_: object) -> object:
    """Take the place of a decorator, which is given a function, or settings."""
    return given[0] if given else _itself


def _nothing(**_: object) -> None:
    pass


def _itself(function: object) -> object:
    return function


class _Converter:
    """A converter of the SDK that is made once it is needed."""

    def __init__(self, shared: Any, make: Callable[[], Any]) -> None:
        self.unstructure = shared.unstructure
        self._shared = shared
        self._make = make
        self._own: Any = None

    def structure(self, value: object, kind: Any) -> Any:
        """Return the value of an answer as its type; objects among them keep their query."""
        if kind in _PLAIN:
            return self._shared.structure(value, kind)
        if self._own is None:
            self._own = self._make()
        return self._own.structure(value, kind)


def _sparing(make_converter: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what takes the place of a function that makes the converter of a query."""
    shared = make_converter(None)
    return lambda query: _Converter(shared, lambda: make_converter(query))
