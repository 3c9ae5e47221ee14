"""A configuration that is decided and not written down yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftImage:
    """One image."""

    name: str
    context: str
    dockerfile: str
    """Relative to the context."""
    target: str = ""
    """Empty where it is the last stage."""
    platforms: tuple[str, ...]
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    comments: tuple[str, ...] = ()
    """What was found, and why it is so."""
    hints: tuple[str, ...] = ()
    """Lines of TOML that the user may switch on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRegistry:
    """A registry to publish to."""

    url: str
    comment: str
    active: bool
    """Whether it is written so that it counts; else as a comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All of it."""

    name: str
    description: str = ""
    source: str = ""
    licenses: str = ""
    images: tuple[DraftImage, ...]
    registries: tuple[DraftRegistry, ...] = ()
    rules: tuple[str, ...] = ()
    rules_from: str = ""
    warned: Mapping[str, str] = field(default_factory=dict[str, str])
    """Rules of the policy that only tell at first, each with the reason."""
    has_database: bool = True
    suites: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    """What the user should know."""
