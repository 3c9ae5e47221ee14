"""How functions are registered: not cached where they reach outside, failing in keelway's words."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, dataclass_transform

import dagger

from keelway.calling.failure import FunctionFailure
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F")
C = TypeVar("C")


def field(*, default: Any = ..., init: bool = True) -> Any:
    """Make an attribute of an object type that callers see.

    Args:
        default: Its default, or what makes one; the attribute must be given when absent.
        init: Whether the constructor takes it.
    """
    return dagger.field(default=default, init=init)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def object_type(kind: type[C]) -> type[C]:
    """Register a class: as the SDK does, in a form that type checkers follow."""
    return dagger.object_type(kind)


def remembered(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Register a function that gives the same for the same arguments: Dagger may remember it."""
    return _decorated(dagger.function, _failing(function))


def uncached(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Register a function that reaches outside, or asks what may have changed since."""
    return _decorated(_never_cached(), _failing(function))


def check(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Register a function that `dagger check` calls."""
    return _decorated(_never_cached(), _decorated(dagger.check, _failing(function)))


def _failing(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    @functools.wraps(function)
    async def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await function(*args, **kwargs)
        except KeelwayError as error:
            raise FunctionFailure.of(error, function.__name__) from error

    return called


def _never_cached() -> object:
    # The SDK's overloads do not name the argument, which it takes.
    return cast("Any", dagger.function)(cache="never")


def _decorated(decorator: object, function: F) -> F:
    """Return a function as the SDK's decorator leaves it: the same one, with a mark on it."""
    return cast("F", cast("Any", decorator)(function))
