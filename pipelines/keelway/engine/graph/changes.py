"""Changes from one directory to another, and the operations that work with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.values import Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """What leads from one directory to another."""

    before: Directory
    after: Directory


class Conflict(Enum):
    """What becomes of a file that two changesets change in different ways."""

    FAIL = "FAIL"
    FAIL_EARLY = "FAIL_EARLY"
    """Also where the changes would fit together."""
    LEAVE_CONFLICT_MARKERS = "LEAVE_CONFLICT_MARKERS"
    PREFER_OURS = "PREFER_OURS"
    PREFER_THEIRS = "PREFER_THEIRS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyChanges:
    """The first input with what leads from the second to the third done to it."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeChanges:
    """The second input with two changes joined: from the first to it, and the third to the fourth.

    The paths are those of the inputs, in order.
    """

    paths: tuple[str, str, str, str]
    conflict: Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPatch:
    """The first input patched, by this text or by a file of the second input."""

    path: str
    patch: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePatch:
    """`/diff.patch`: what leads from the first input to the second, as git writes it."""

    before: str
    after: str
