"""What stays in a registry and what goes: the plan, and what was done of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.model.image import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What goes with something else, as nothing that stays needs it."""

    digest: Digest
    kind: str
    """For people: a platform, or the type of an artifact."""
    tags: tuple[str, ...] = ()
    """Tags that list it; of evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """An image that may go, with all that goes with it."""

    digest: Digest
    tags: tuple[str, ...]
    """All its tags."""
    parts: tuple[Part, ...]
    """In the order in which they go, after the image itself."""
    size_bytes: int
    """Of all of it."""
    age: str
    """In words, with what it is counted from."""
    reason: str
    """Why it may go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An image that stays, with all that it needs."""

    digest: Digest
    tags: tuple[str, ...]
    """The tags that people use."""
    size_bytes: int
    """Of all of it."""
    age: str
    """In words, with what it is counted from."""
    reason: str
    """Why it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPlan:
    """What stays and what goes in one repository."""

    repository: str
    """`host[:port]/path`."""
    delete: tuple[Doomed, ...]
    """What goes, in the order in which it goes."""
    keep: tuple[Kept, ...]
    """What stays."""
    freed_bytes: int = 0
    """What only those that go are made of."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What stays and what goes, in all repositories."""

    made_at: datetime
    """When the registries were looked at, aware and in UTC."""
    repositories: tuple[RepositoryPlan, ...]
    """One for each repository."""


class Deletion(StrEnum):
    """What became of a digest that was to go."""

    DELETED = "deleted"
    GONE = "gone"
    """It was not there any more."""
    REFUSED = "refused"
    """Something needs it by now."""
    FAILED = "failed"
    """The registry did not do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """One digest of the plan, and what became of it."""

    repository: str
    digest: Digest
    tags: tuple[str, ...]
    outcome: Deletion
    why: str | None = None
    """Where it was not deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionResult:
    """What was done of a plan."""

    began_at: datetime
    """Aware, in UTC."""
    ended_at: datetime
    """Aware, in UTC."""
    done: tuple[Deleted, ...]
    """Each digest of the plan, in the order in which it was its turn."""

    @property
    def complete(self) -> bool:
        """Whether nothing of the plan is left."""
        return all(one.outcome in {Deletion.DELETED, Deletion.GONE} for one in self.done)
