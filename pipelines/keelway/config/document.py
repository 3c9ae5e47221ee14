"""One TOML document read into one model; what is wrong is named by file, line and key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError

from keelway.config.explain import Place, explain
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from keelway.config.positions import KeyPath

ModelT = TypeVar("ModelT", bound=BaseModel)

_POSITION = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Document(Generic[ModelT]):
    """What was read, and where its keys stand."""

    value: ModelT
    place: Place


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises:
        ConfigError: When it is no TOML; names the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        words = _POSITION.sub("", str(error))
        line = text.count("\n") + 1 if found is None else int(found[1])
        problem = ConfigProblem(
            file=file, line=line, key="", text=f"not valid TOML: {words[:1].lower()}{words[1:]}"
        )
        raise ConfigError([problem]) from error


def read_document(
    text: str, file: str, model: type[ModelT], prefix: KeyPath = ()
) -> Document[ModelT]:
    """Return the model that the document holds.

    Args:
        text: The document.
        file: Its name, as messages show it.
        model: What it must fit.
        prefix: The table to read, which must be there; the whole document when empty.

    Raises:
        ConfigError: With every problem that was found.
    """
    data = parse_toml(text, file)
    for part in prefix:
        data = data[str(part)]
    place = Place(file, text, prefix)
    try:
        value = model.model_validate(_with_tuples(data))
    except ValidationError as error:
        raise ConfigError(explain(error.errors(), model, place)) from error
    return Document(value, place)


def _with_tuples(value: object) -> object:
    """Return the value with tuples for arrays: strict models do not take lists for them."""
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return {key: _with_tuples(inner) for key, inner in table.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(inner) for inner in cast("list[object]", value))
    return value
