"""Models described by the docstrings that stand below their fields.

Pydantic can read those itself, but then at every start of the program.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator


def describe_schema(schema: dict[str, Any], root: type[BaseModel]) -> None:
    """Write the docstrings of all fields into the JSON schema of a model.

    Args:
        schema: What pydantic makes of the model.
        root: The model.
    """
    _describe(schema, root)
    for model in sections(root):
        if model is not root:
            _describe(schema["$defs"][model.__name__], model)


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

    Those that it has from a model above it are among them.
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


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    for name, text in field_docs(model).items():
        schema["properties"][name]["description"] = text
