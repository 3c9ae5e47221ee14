"""The JSON schema of the configuration; its descriptions are the sections' own docstrings.

Editors that know JSON schemas complete and check `keelway.toml` with it.

Example:
    >>> json_schema()["properties"]["images"]["description"]
    "The images, by name. The name is appended to each registry's `url`."
"""

from __future__ import annotations

import ast
import inspect
import json
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import BaseModel

from keelway.config.root import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of `keelway.toml`."""
    schema = Config.model_json_schema()
    _describe(schema, Config)
    for model in sections(Config):
        if model is not Config:
            _describe(schema["$defs"][model.__name__], model)
    return {"$schema": DIALECT, "title": "keelway.toml", **_tidied(schema)}


def schema_text() -> str:
    """Return the schema as it is printed and checked in: sorted, indented, with a last newline."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the model and every model inside it once, in the order of the fields."""
    seen: set[type[BaseModel]] = set()

    def walk(annotation: object) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in seen:
                seen.add(annotation)
                yield annotation
                for field in annotation.model_fields.values():
                    yield from walk(field.annotation)
            return
        for argument in get_args(annotation):
            yield from walk(argument)

    yield from walk(model)


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring that stands below each field of a model.

    Those that it has from a model above it are among them. Pydantic can read them itself, but then
    at every start of the program.
    """
    docs: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one is not BaseModel and issubclass(one, BaseModel):
            docs |= _own_docs(one)
    return docs


def _own_docs(model: type[BaseModel]) -> dict[str, str]:
    body = ast.parse(inspect.getsource(model)).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 -- the source of a class is a class
    docs: dict[str, str] = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = inspect.cleandoc(following.value.value)
    return docs


def _tidied(node: object) -> Any:
    """Return the schema as TOML knows things: no null, no titles that repeat the key."""
    if isinstance(node, list):
        return [_tidied(inner) for inner in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    pairs = cast("dict[str, object]", node).items()
    tidy: dict[str, Any] = {k: _tidied(v) for k, v in pairs if not _is_noise(k, v)}
    choices = [choice for choice in tidy.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del tidy["anyOf"]
        tidy = {**choices[0], **tidy}
    if "patternProperties" in tidy:
        tidy.setdefault("additionalProperties", False)
    return tidy


def _is_noise(key: str, value: object) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    for name, text in field_docs(model).items():
        schema["properties"][name]["description"] = text
