"""`JSONValue`, and errors that a pipeline makes."""

from __future__ import annotations

import json
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


def _made(value: Any) -> JSONValue:
    return JSONValue(text=json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _parsed(text: str) -> JSONValue:
    try:
        return _made(json.loads(text))
    except ValueError as error:
        raise EngineError(f"invalid JSON: {error}") from error


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
    return json.dumps(json.loads(parent.text), indent=args["indent"], ensure_ascii=False)


def _typed(parent: JSONValue, kind: type, name: str) -> Any:
    value = json.loads(parent.text)
    if type(value) is not kind:
        raise EngineError(f"expected {name} in JSON, found {parent.text[:40]}")
    return value


@JSON.field("JSONValue", "asString")
def as_string(parent: JSONValue, _args: Arguments, _session: Session) -> str:
    """Return a string."""
    text: str = _typed(parent, str, "a string")
    return text


@JSON.field("JSONValue", "asInteger")
def as_integer(parent: JSONValue, _args: Arguments, _session: Session) -> int:
    """Return an integer."""
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
    path: list[str] = args["path"]
    for name in path:
        known = _fields(value)
        if known is None or name not in known:
            raise EngineError(f"JSON has no field {'.'.join(path)}: {name!r} is not there")
        value = known[name]
    return _made(value)


def _fields(value: Any) -> dict[str, Any] | None:
    """Return what an object holds; None for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


@JSON.field("JSONValue", "withField")
def with_field(parent: JSONValue, args: Arguments, session: Session) -> JSONValue:
    """Set what is at a path of names; objects on the way are made."""
    value = json.loads(session.json_value(args["value"]).text)
    return _made(_with(json.loads(parent.text), args["path"], value))


def _with(old: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    known = {} if old is None else _fields(old)
    if known is None:
        raise EngineError(f"JSON has something else than an object at {path[0]!r}")
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
