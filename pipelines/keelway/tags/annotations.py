"""Labels and annotations of an image, on each level where OCI has them.

A key may begin with the levels that it is for, as BuildKit's documentation of annotations writes
it: `index:key`, `manifest,index:key`. Without one it is for the manifest of each platform.

Example:
    >>> from keelway.tags.occasion import Occasion
    >>> found = split_levels({"index:com.example.a": "x", "com.example.b": "y"}, Occasion())
    >>> dict(found.index), dict(found.manifest)
    ({'com.example.a': 'x'}, {'com.example.b': 'y'})
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from keelway.tags.expressions import NothingKnownError, check_template, fill
from keelway.tags.rules import RuleError, unknown
from keelway.tags.template import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.tags.occasion import Occasion

Level = Literal["manifest", "index", "manifest-descriptor"]
LEVELS: tuple[Level, ...] = get_args(Level)
_LEVELLED = re.compile(r"([a-z,-]+):(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """What is said of an image, by level."""

    manifest: Mapping[str, str] = field(default_factory=dict[str, str])
    """In the manifest of each platform."""
    index: Mapping[str, str] = field(default_factory=dict[str, str])
    """In the index that holds the platforms."""
    descriptor: Mapping[str, str] = field(default_factory=dict[str, str])
    """In the index too, beside the digest of each platform's manifest."""


def split_levels(
    written: Mapping[str, str],
    occasion: Occasion,
    standard: Mapping[str, str] | None = None,
    levels: Iterable[Level] = ("manifest",),
) -> Annotations:
    """Return the annotations by level, their expressions replaced.

    Args:
        written: By key, with levels in front where they are not for the manifest.
        occasion: What is released.
        standard: What goes on each of the levels, under what is written.
        levels: Where the standard ones go.

    Raises:
        RuleError: When a level or an expression is unknown, or asks for what is not known here.
    """
    found: dict[str, dict[str, str]] = {
        level: dict(standard or {}) if level in levels else {} for level in LEVELS
    }
    for key, text in written.items():
        named, name = split_key(key)
        for level in named:
            found[level][name] = filled(name, text, occasion)
    return Annotations(
        manifest=found["manifest"], index=found["index"], descriptor=found["manifest-descriptor"]
    )


def split_key(key: str) -> tuple[tuple[str, ...], str]:
    """Return the levels that a key is for, and the key by itself.

    Raises:
        RuleError: When a level is unknown.
    """
    match = _LEVELLED.fullmatch(key)
    if match is None:
        return ("manifest",), key
    levels = tuple(match[1].split(","))
    for level in levels:
        if level not in LEVELS:
            raise RuleError(unknown(f"level of the annotation {key!r}:", level, LEVELS))
    return levels, match[2]


def check_text(key: str, text: str) -> None:
    """Look at a label or annotation while the place where it is written is known.

    Raises:
        RuleError: When its level or an expression in it is unknown.
    """
    _, name = split_key(key)
    try:
        check_template(text, f"the text of {name}")
    except TemplateError as error:
        raise RuleError(str(error)) from error


def filled(key: str, text: str, occasion: Occasion) -> str:
    """Return the text of a label or annotation, its expressions replaced.

    Raises:
        RuleError: When an expression asks for what is not known here.
    """
    try:
        return fill(text, occasion)
    except NothingKnownError as error:
        raise RuleError(f"{key} = {text!r}: {error}") from error
