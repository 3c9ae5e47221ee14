"""Literals of a query, and values of its variables, as the resolvers want them.

    coerce(api, type_ref("[Int!]"), [1, 2])

Literals come as Python values: an enum's name as `EnumName`, all else as JSON would have it.
Integers are 64 bits wide, as on Dagger's wire, and not GraphQL's 32; and as there, a text that is
a number or a truth value is taken for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.engine.schema.api import Api, Argument, TypeRef

_NUMBER = re.compile(r"[-+]?[0-9]{1,19}")
_BOOLEANS = {"true": True, "false": False}

INT_BITS = 64
_INT_END = 1 << (INT_BITS - 1)


class EnumName(str):
    """A name in a query that is no string: a member of an enum."""

    __slots__ = ()


class Refused(EngineError):  # noqa: N818 - reads as the answer it is
    """A value that does not fit its type."""


def coerce(api: Api, ref: TypeRef, value: Any) -> Any:
    """Return the value as its type says.

    Raises:
        Refused: the value does not fit; the text says what was expected.
    """
    if value is None:
        if ref.non_null:
            raise Refused(f"expected a value of type {ref}, found null")
        return None
    if ref.item is not None:
        # To pyright the items of an Any that is a list are unknown; to mypy they are Any.
        items: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        return [coerce(api, ref.item, item) for item in items]
    return _named(api, ref.name, value)


def coerce_arguments(
    api: Api, declared: Mapping[str, Argument], given: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Return the arguments with defaults filled in; optional ones that are null are left out.

    Raises:
        Refused: an argument is unknown, missing or does not fit; the text names it and `what`.
    """
    for name in given:
        if name not in declared:
            raise Refused(f'Unknown argument "{name}" on {what}')
    result: dict[str, Any] = {}
    for name, argument in declared.items():
        try:
            value = _value(api, argument, given)
        except Refused as error:
            raise Refused(f'argument "{name}" of {what}: {error}') from None
        if value is not None:
            result[name] = value
    return result


def _value(api: Api, argument: Argument, given: Mapping[str, Any]) -> Any:
    """Return the value of one argument, None where there is none; null leaves its default."""
    if argument.name in given and not (given[argument.name] is None and argument.has_default):
        return coerce(api, argument.type, given[argument.name])
    if argument.has_default:
        return _default(api, argument)
    if argument.required:
        raise Refused(f"a value of type {argument.type} is required")
    return None


def _default(api: Api, argument: Argument) -> Any:
    members = api.enum(argument.type.name)
    if members is None:
        return list(argument.default) if argument.type.item else argument.default
    if argument.type.item:
        return [members[name] for name in argument.default]
    return members[argument.default]


def _named(api: Api, name: str, value: Any) -> Any:
    read = _SCALARS.get(name)
    if read is not None:
        return read(value)
    if name in api.ids:
        return _id(value)
    if (members := api.enum(name)) is not None:
        return _member(name, members, value)
    if (fields := api.input(name)) is not None:
        if not isinstance(value, dict):
            raise Refused(f"expected an object of type {name}, found {_show(value)}")
        return coerce_arguments(api, fields, cast("dict[str, Any]", value), name)
    return _string(value)  # Platform, JSON, Bytes and others are strings on the wire


def _member(name: str, members: Mapping[str, str], value: Any) -> str:
    if isinstance(value, str) and value in members:
        return members[value]
    raise Refused(f"expected one of {', '.join(members)} ({name}), found {_show(value)}")


def _string(value: Any) -> str:
    if isinstance(value, str) and not isinstance(value, EnumName):
        try:
            _ = value.isascii() or value.encode()
        except UnicodeEncodeError:
            raise Refused("expected a string, found one with half a surrogate pair") from None
        return value
    raise Refused(f"expected a string, found {_show(value)}")


def _id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise Refused(f"expected true or false, found {_show(value)}")


def _integer(value: Any) -> int:
    if (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, str) and _NUMBER.fullmatch(value)
    ):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_INT_END <= value < _INT_END:
        return value
    raise Refused(f"expected an integer of {INT_BITS} bits, found {_show(value)}")


def _float(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise Refused(f"expected a number, found {_show(value)}")


def _show(value: Any) -> str:
    """Return what kind of value was found, never its text: it may be a secret."""
    if isinstance(value, EnumName):
        return f"the name {value}"
    kinds: dict[type[object], str] = {
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        list: "a list",
    }
    return kinds.get(cast("type[object]", type(value)), "an object")


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "String": _string,
    "Int": _integer,
    "Boolean": _boolean,
    "Float": _float,
    "ID": _id,
}
