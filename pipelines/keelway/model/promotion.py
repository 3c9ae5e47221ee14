"""Promotions: which environments an image has been to, and what a promotion came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.history import HistoryEntry
    from keelway.model.image import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """One promotion, as it is kept beside the image."""

    entry: HistoryEntry
    """Who, when, from where, to which environment."""
    digest: Digest
    """What was promoted."""
    tags: tuple[str, ...] = ()
    """What it was to be called."""
    source: str | None = None
    """The reference that it was promoted from."""
    after: str | None = None
    """The environment that it had to be in before."""
    approvals: str | None = None
    """What the configuration said about who agrees."""
    signed: bool = True
    """Whether a signature that counts stands under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    """What became of one tag."""

    tag: str
    before: Digest | None
    """What it named."""
    held: str | None = None
    """Why it stays as it is; nothing where it names the promoted digest now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedRepository:
    """What a promotion came to in one repository."""

    repository: str
    """`host[:port]/path`."""
    tags: tuple[TagChange, ...]
    """The environment's tags."""
    copied: bool = False
    """Whether the image and its evidence had to be brought there."""
    recorded: bool = False
    """Whether a new record was written; one that is there already is not repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The result of a promotion."""

    image: str
    """As it was named."""
    digest: Digest
    """The digest that the name stood for at the beginning, and all tags name now."""
    record: PromotionRecord
    """Who, when, from where."""
    repositories: tuple[PromotedRepository, ...]
    """What came of it, repository by repository."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""
    dry_run: bool = False
    """Whether it was only looked at."""

    @property
    def changed(self) -> bool:
        """Whether anything is (or would be) different from before."""
        return any(
            one.copied
            or one.recorded
            or any(tag.held is None and tag.before != self.digest for tag in one.tags)
            for one in self.repositories
        )
