"""Dagger's SDK, loaded with or without its checks of arguments.

The SDK wraps each of its thousand methods in a check by beartype when it is imported: half of
what its import takes. What keelway's own program calls has been checked by a type checker; what
pipelines of others call is checked by the SDK as ever.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import Any


class _Checks:
    """Whether the SDK is to check."""

    wanted = True


def without_checks() -> None:
    """Say that every call of this process is keelway's own; the SDK is not loaded by this."""
    _Checks.wanted = False


def load_sdk() -> None:
    """Import the SDK, where nobody has yet."""
    if _Checks.wanted or "dagger" in sys.modules:
        return
    with suppress(ImportError):  # a later SDK may do without
        beartype: Any = import_module("beartype")
        checking = beartype.beartype
        beartype.beartype = _unchecked
        try:
            import_module("dagger")
        finally:
            beartype.beartype = checking


def _unchecked(*given: object, **_: object) -> object:
    """Take the place of a decorator, which is given a function, or settings."""
    return given[0] if given else _itself


def _itself(function: object) -> object:
    return function
