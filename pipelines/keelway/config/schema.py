"""The JSON schema of the configuration; its descriptions are the sections' own docstrings.

Editors that know JSON schemas complete and check `keelway.toml` with it.

Example:
    >>> json_schema()["properties"]["images"]["description"]
    "The images, by name. The name is appended to each registry's `url`."
"""

from __future__ import annotations

import json
from typing import Any, cast

from keelway.config.root import Config
from keelway.model.described import describe_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema of `keelway.toml`."""
    schema = Config.model_json_schema()
    describe_schema(schema, Config)
    return {"$schema": DIALECT, "title": "keelway.toml", **_tidied(schema)}


def schema_text() -> str:
    """Return the schema as it is printed and checked in: sorted, indented, with a last newline."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


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
