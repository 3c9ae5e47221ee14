r"""Documents of others, of which nothing is known: read without trusting their form.

Example:
    >>> table({"a": 1}, "a"), texts("one\n two "), texts(["x", 2])
    ({}, ('one', 'two'), ('x', '2'))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT_BYTES = 1_000_000
"""No file that is looked at is longer."""


class _AnyTag(yaml.SafeLoader):
    """Compose's `!reset` and GitLab's `!reference` are no reason to stop."""


def _untagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_AnyTag.add_multi_constructor("!", _untagged)  # pyright: ignore[reportUnknownMemberType] # the stubs do not say


class UnreadableError(Exception):
    """A file that is there and tells nothing; the text says why."""


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        UnreadableError: It cannot be read, is too long, or is no text.
    """
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise UnreadableError(f"it is longer than {LIMIT_BYTES // 1_000_000} MB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8, at byte {error.start}") from error


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the table that a YAML file holds; an empty one where it holds something else.

    Raises:
        UnreadableError: It cannot be read, or is no YAML.
    """
    try:
        found = yaml.load(read_text(path), Loader=_AnyTag)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f", line {line + 1}"
        raise UnreadableError(f"it is no YAML that can be read{place}") from error
    return as_table(found)


def as_table(value: object) -> Mapping[str, Any]:
    """Return the value if it is a table, else an empty one."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): inner for key, inner in cast("Mapping[object, Any]", value).items()}


def table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the table under a key, else an empty one."""
    return as_table(value.get(key))


def text(value: Mapping[str, Any], key: str) -> str:
    """Return the text under a key, else an empty one."""
    found = value.get(key)
    return found.strip() if isinstance(found, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Return the items of a list, or the lines of a text, without empty ones."""
    if isinstance(value, str):
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    if isinstance(value, list):
        return tuple(str(one).strip() for one in cast("list[object]", value) if one is not None)
    return ()


def tables_in(value: object, seen: set[int] | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield every table in a document, the outer ones first.

    What the document names twice by an alias is yielded once: it may even hold itself.
    """
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    if isinstance(value, Mapping | list):
        seen.add(id(cast("object", value)))
    inner: list[object] = []
    if isinstance(value, Mapping):
        yield as_table(cast("object", value))
        inner = list(cast("Mapping[object, object]", value).values())
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    for one in inner:
        yield from tables_in(one, seen)
