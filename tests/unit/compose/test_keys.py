"""The table of keys has all of the specification, and its page is made from it."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from keelway.compose.keys import PROJECT
from keelway.compose.page import keys_page
from keelway.compose.shapes import Key, ListOf, MapOf, OneOf, Section, Shape, Standing

SCHEMA: dict[str, Any] = json.loads(
    (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text()
)
DEFINITIONS: dict[str, Any] = SCHEMA.get("$defs") or SCHEMA["definitions"]
NEWER = {"jobs.*.extends", "jobs.*.extends.file", "jobs.*.extends.service"}
"""What the specification's repository has, and the schema that is installed may not have yet."""


def _written(node: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every key in the JSON schema; the user's own keys are `*`."""
    if "$ref" in node:
        yield from _written(DEFINITIONS[node["$ref"].rpartition("/")[2]], path)
    for part in (*node.get("oneOf", ()), *node.get("anyOf", ()), *node.get("allOf", ())):
        yield from _written(part, path)
    if isinstance(node.get("items"), dict):
        yield from _written(node["items"], path)
    for key, value in node.get("properties", {}).items():
        if isinstance(value, dict):
            yield f"{path}{key}"
            yield from _written(value, f"{path}{key}.")
    for pattern, value in node.get("patternProperties", {}).items():
        if pattern != "^x-":
            yield from _written(value, f"{path}*.")


def _known(shape: Shape, path: str = "") -> Iterator[str]:
    """Yield the path of every key in keelway's table."""
    match shape:
        case ListOf():
            yield from _known(shape.item, path)
        case MapOf():
            yield from _known(shape.value, f"{path}*.")
        case OneOf():
            for option in shape.options:
                yield from _known(option, path)
        case Section():
            for name, key in shape.keys.items():
                yield f"{path}{name}"
                yield from _known(key.shape, f"{path}{name}.")
        case _:
            pass


def _keys(shape: Shape, path: str = "") -> Iterator[tuple[str, Key]]:
    match shape:
        case ListOf() | MapOf():
            yield from _keys(shape.item if isinstance(shape, ListOf) else shape.value, path)
        case OneOf():
            for option in shape.options:
                yield from _keys(option, path)
        case Section():
            for name, key in shape.keys.items():
                yield f"{path}{name}", key
                yield from _keys(key.shape, f"{path}{name}.")
        case _:
            pass


def test_the_table_has_every_key_of_the_specification_and_no_other() -> None:
    written, known = set(_written(SCHEMA)), set(_known(PROJECT))
    assert written - known == set()
    assert known - written - NEWER == set()


def test_what_is_not_done_says_why() -> None:
    silent = [
        path
        for path, key in _keys(PROJECT)
        if key.standing is not Standing.SUPPORTED and not key.reason
    ]
    assert silent == []


def test_the_page_has_every_key_and_what_is_made_of_it() -> None:
    page = keys_page()
    assert "## `services.NAME`" in page
    assert "| `oom_score_adj` | a whole number | ignored, with a warning | the engine" in page
    assert "| `ipc` | a text | refused, with an error, unless it is `private` or" in page
    assert "| `image` | a text | supported |  |" in page
