"""What pydantic found wrong, said as a person would: place, key, words, and what was meant."""

from __future__ import annotations

import difflib
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from keelway.config import section
from keelway.config.unions import inside, written_path
from keelway.errors import ConfigProblem
from keelway.model.secret_source import shown_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from keelway.config.positions import KeyPath

_FORMS: Mapping[str, str] = {
    section.SECRET_PATTERN: (
        "is no secret source: write env://NAME, file://PATH or cmd://COMMAND, "
        "or the address of a secret store: op://, vault://, aws+sm://, aws+ps://, gcp://, "
        "libsecret://"
    ),
    section.PLATFORM_PATTERN: "is no platform: write os/architecture, as in linux/amd64",
    section.VARIABLE_PATTERN: "is no variable name: letters, digits and '_', not first a digit",
    section.PROBE_PATTERN: "is not what can be probed: write http://SERVICE:PORT/PATH",
    section.NAME_PATTERN: (
        "is no valid name: lower-case letters and digits, separated by '.', '_' or '-'"
    ),
}
_KINDS: Mapping[str, str] = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_TOML_NAMES: Mapping[type, str] = {
    bool: "a boolean",
    str: "a string",
    int: "a whole number",
    float: "a decimal number",
    list: "an array",
    tuple: "an array",
    dict: "a table",
}


class Place:
    """A document and where its keys are, to say `keelway.toml:12: images.orders`."""

    def __init__(self, file: str, text: str, prefix: KeyPath = ()) -> None:
        """Keep the document's name, its text, and the table that everything is under."""
        self.file = file
        self._text = text
        self._prefix = prefix

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        # Looked up only when there is something to complain about: most documents are right.
        from keelway.config.positions import locate_keys  # noqa: PLC0415 -- see above

        return locate_keys(self._text)

    def problem(self, path: KeyPath, text: str, suggestion: str | None = None) -> ConfigProblem:
        """Return the problem, with the line of the nearest thing that was written."""
        return ConfigProblem(
            file=self.file,
            line=self.line(path),
            key=dotted((*self._prefix, *path)),
            text=text,
            suggestion=suggestion,
        )

    def known(self, path: KeyPath) -> KeyPath:
        """Return the longest beginning of the path that was written."""
        for length in range(len(path), 0, -1):
            if (*self._prefix, *path[:length]) in self._lines:
                return path[:length]
        return ()

    def line(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest one around it; nothing when none is known."""
        return self._lines.get((*self._prefix, *self.known(path)))


def dotted(path: KeyPath) -> str:
    """Return the path as people write it: `registries[0].url`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            quoted = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{quoted}" if text else quoted
    return text


def explain(errors: Iterable[ErrorDetails], model: type[BaseModel], place: Place) -> list[Any]:
    """Return one problem for each key that is wrong, in the order of the lines."""
    problems: dict[str, ConfigProblem] = {}
    for error in errors:
        problem = _explain_one(error, model, place)
        # A value that fits no branch of a union is reported once for each: the first will do.
        problems.setdefault(problem.key, problem)
    return sorted(problems.values(), key=lambda problem: problem.line or 0)


def _explain_one(error: ErrorDetails, model: type[BaseModel], place: Place) -> ConfigProblem:
    path = written_path(model, error["loc"])
    if error["type"] == "missing":
        return place.problem(path, "this key is required, and it is missing")
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return _unknown_branch(error, place.known(path), place)
    if error["type"] == "extra_forbidden":
        known = keys_at(model, error["loc"][:-1])
        near = nearest(str(path[-1]), known)
        text = "unknown key" if near else f"unknown key. Known: {', '.join(sorted(known))}"
        return place.problem(path, text, near)
    text, suggestion = _value_words(error)
    return place.problem(place.known(path), text, suggestion)


def _unknown_branch(error: ErrorDetails, path: KeyPath, place: Place) -> ConfigProblem:
    """Return what is wrong with the key that says which kind of table it is."""
    details = error.get("ctx", {})
    key = str(details["discriminator"]).strip("'")
    if error["type"] == "union_tag_not_found":
        return place.problem((*path, key), "this key is required, and it is missing")
    known = re.findall(r"'([^']*)'", str(details["expected_tags"]))
    given = str(details["tag"])
    text = f"'{given}' is not one of {', '.join(known)}"
    return place.problem((*path, key), text, nearest(given, known))


def _value_words(error: ErrorDetails) -> tuple[str, str | None]:
    """Return what is wrong with a value, and what was probably meant."""
    kind = error["type"]
    given = error["input"]
    kind_of_value = cast("type[object]", type(given))
    details = error.get("ctx", {})
    if kind in _KINDS:
        return f"{_KINDS[kind]} is expected, not {_TOML_NAMES.get(kind_of_value, 'this')}", None
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(details.get("expected", "")))
        shown = given if isinstance(given, str) else str(given).lower()
        text = f"'{shown}' is not one of {', '.join(choices)}"
        return text, nearest(str(given), choices)
    if kind == "string_pattern_mismatch":
        pattern = str(details.get("pattern"))
        # What stands where a source belongs may be the secret itself.
        shown = shown_source(str(given)) if pattern == section.SECRET_PATTERN else given
        return f"{shown!r} {_FORMS.get(pattern, f'must look like {pattern}')}", None
    if kind in {"string_too_short", "too_short"}:
        return "must not be empty", None
    if kind == "value_error":
        return str(details.get("error", error["msg"])), None
    return error["msg"][:1].lower() + error["msg"][1:], None


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys that the table at the path may have."""
    found: Any = model
    for part in path:
        found = inside(found, part)
    if isinstance(found, type) and issubclass(found, BaseModel):
        return list(found.model_fields)
    return []


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the one that was probably meant."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None
