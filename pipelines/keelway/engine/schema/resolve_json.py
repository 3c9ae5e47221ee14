"""`JSONValue`, and errors that a pipeline makes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from keelway.engine.errors import EngineError
from keelway.engine.graph.records import Error, ErrorValue, JSONValue
from keelway.engine.schema.registry import Resolvers

if TYPE_CHECKING:
    from keelway.engine.graph.values import File
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

JSON = Resolvers()
JSON.record("Error", "message")
JSON.record("ErrorValue", "name", "value")

_LARGEST_PLAIN = 1e21
"""From here on numbers are written with an exponent."""


_ESCAPED = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_TO_ESCAPE = re.compile(f"[{''.join(_ESCAPED)}]")


def _made(value: Any) -> JSONValue:
    return JSONValue(text=_written(value, separators=(",", ":")))


def _written(value: Any, **how: Any) -> str:
    """Return a value as Go writes it: names in order, and nothing that HTML would take for its."""
    text = json.dumps(_whole(value), ensure_ascii=False, sort_keys=True, **how)
    return _TO_ESCAPE.sub(lambda found: _ESCAPED[found[0]], text)


def _whole(value: Any) -> Any:
    """Return a value with numbers that are whole as such."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_PLAIN:
        return int(value)
    if isinstance(value, list):
        # To pyright the items of an Any that is a list are unknown; to mypy they are Any.
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [_whole(item) for item in items]
    fields = _fields(value)
    return value if fields is None else {name: _whole(item) for name, item in fields.items()}


def _parsed(text: str) -> JSONValue:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"invalid JSON: {error}") from error
    return JSONValue(text=text)


@JSON.field("Query", "json")
def null(_parent: object, _args: Arguments, _session: Session) -> JSONValue:
    """Return null, to make values from."""
    return JSONValue()


@JSON.field("File", "asJSON")
def as_json(parent: File, _args: Arguments, session: Session) -> JSONValue:
    """Return what a file says."""
    return _parsed(session.trees.read(parent.node, parent.path).decode("utf-8", "replace"))


@JSON.field("JSONValue", "contents")
def contents(parent: JSONValue, args: Arguments, _session: Session) -> str:
    """Return the value as JSON."""
    if not args.get("pretty"):
        return parent.text
    return _written(json.loads(parent.text), indent=args["indent"])


def _typed(parent: JSONValue, kind: type, name: str) -> Any:
    value = json.loads(parent.text)
    if type(value) is not kind:
        raise EngineError(f"value is not {name}")
    return value


@JSON.field("JSONValue", "asString")
def as_string(parent: JSONValue, _args: Arguments, _session: Session) -> str:
    """Return a string."""
    if parent.text.strip() == "null":
        return ""
    text: str = _typed(parent, str, "a string")
    return text


@JSON.field("JSONValue", "asInteger")
def as_integer(parent: JSONValue, _args: Arguments, _session: Session) -> int:
    """Return an integer."""
    if parent.text.strip() == "null":
        return 0
    number: int = _typed(parent, int, "an integer")
    return number


@JSON.field("JSONValue", "asBoolean")
def as_boolean(parent: JSONValue, _args: Arguments, _session: Session) -> bool:
    """Return a boolean."""
    truth: bool = _typed(parent, bool, "a boolean")
    return truth


@JSON.field("JSONValue", "asArray")
def as_array(parent: JSONValue, _args: Arguments, _session: Session) -> list[JSONValue]:
    """Return the items of an array."""
    return [_made(item) for item in _typed(parent, list, "an array")]


@JSON.field("JSONValue", "fields")
def fields(parent: JSONValue, _args: Arguments, _session: Session) -> list[str]:
    """Return the names of an object's fields."""
    return sorted(_typed(parent, dict, "an object"))


@JSON.field("JSONValue", "field")
def field(parent: JSONValue, args: Arguments, _session: Session) -> JSONValue:
    """Return what is at a path of names."""
    value: Any = json.loads(parent.text)
    for name in args["path"]:
        known = _fields(value)
        if known is None:
            raise EngineError(f"can't lookup field '{name}' in non-object value")
        if name not in known:
            raise EngineError(f"no such field: '{name}'")
        value = known[name]
    return _made(value)


def _fields(value: Any) -> dict[str, Any] | None:
    """Return what an object holds; None for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


@JSON.field("JSONValue", "withField")
def with_field(parent: JSONValue, args: Arguments, session: Session) -> JSONValue:
    """Set what is at a path of names; objects on the way are made, in place of anything else."""
    value = json.loads(session.json_value(args["value"]).text)
    old = _fields(json.loads(parent.text)) or {}
    path: list[str] = args["path"]
    return _made(_with(old, path, value) if path else old)


def _with(old: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    known = _fields(old) or {}
    return {**known, path[0]: _with(known.get(path[0]), path[1:], value)}


@JSON.field("JSONValue", "withContents")
def with_contents(_parent: JSONValue, args: Arguments, _session: Session) -> JSONValue:
    """Return what a text says."""
    return _parsed(args["contents"])


@JSON.field("JSONValue", "newString")
@JSON.field("JSONValue", "newInteger")
@JSON.field("JSONValue", "newBoolean")
def new(_parent: JSONValue, args: Arguments, _session: Session) -> JSONValue:
    """Return a new value."""
    return _made(args["value"])


# --- errors ----------------------------------------------------------------------------------


@JSON.field("Query", "error")
def error(_parent: object, args: Arguments, _session: Session) -> Error:
    """Return an error with a message."""
    return Error(message=args["message"])


@JSON.field("Error", "withValue")
def with_value(parent: Error, args: Arguments, _session: Session) -> Error:
    """Add something that is known of the error."""
    value = ErrorValue(name=args["name"], value=_parsed(args["value"]).text)
    return replace(parent, values=(*parent.values, value))


@JSON.field("Error", "values")
def error_values(parent: Error, _args: Arguments, _session: Session) -> list[ErrorValue]:
    """Return what is known of the error."""
    return list(parent.values)
