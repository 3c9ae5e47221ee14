"""What one repository has: tags, manifests, and what keeps what. Pure.

A manifest is needed by whatever lists it, and evidence by whatever it is about. From the tags that
stay, everything that is needed is found by following these; the rest may go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from keelway.model.image import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

_BESIDE = re.compile(r"sha256-([0-9a-f]{64})(\.[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One manifest or index."""

    digest: Digest
    kind: str
    """What it is, for people: `index`, a platform, or the type of an artifact."""
    children: tuple[Digest, ...] = ()
    """What it lists."""
    subject: Digest | None = None
    """What it is about."""
    referrers: tuple[Digest, ...] = ()
    """What the registry lists as being about it."""
    blobs: Mapping[Digest, int] = field(default_factory=dict[Digest, int])
    """What it is made of, with sizes in bytes; itself included."""
    at: datetime | None = None
    """When it was pushed or made, aware and in UTC."""
    at_is: str = "created"
    """Which of the two: `pushed` or `created`."""

    @property
    def size_bytes(self) -> int:
        """Return the size of all that it is made of."""
        return sum(self.blobs.values())


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """One repository at one moment."""

    repository: str
    """`host[:port]/path`."""
    tags: Mapping[str, Digest]
    """All tags, those that only list evidence included."""
    items: Mapping[Digest, Item]
    """All manifests that were found."""
    promoted: Mapping[tuple[str, str], tuple[Digest, ...]] = field(
        default_factory=dict[tuple[str, str], "tuple[Digest, ...]"]
    )
    """What was promoted by the records beside it, the newest first, by environment and image."""

    @cached_property
    def roots(self) -> Mapping[str, Digest]:
        """Return the tags that people use."""
        return {tag: digest for tag, digest in self.tags.items() if subject_of(tag) is None}

    @cached_property
    def beside(self) -> Mapping[Digest, tuple[Digest, ...]]:
        """Return what the tags of fall-back and older layouts keep beside each digest."""
        found: dict[Digest, list[Digest]] = {}
        for tag, digest in self.tags.items():
            subject = subject_of(tag)
            if subject is not None:
                found.setdefault(subject, []).append(digest)
        for item in self.items.values():
            if item.subject is not None:
                found.setdefault(item.subject, []).append(item.digest)
        return {subject: tuple(dict.fromkeys(some)) for subject, some in found.items()}

    @cached_property
    def names(self) -> Mapping[Digest, tuple[str, ...]]:
        """Return all tags of each digest."""
        found: dict[Digest, list[str]] = {}
        for tag, digest in self.tags.items():
            found.setdefault(digest, []).append(tag)
        return {digest: tuple(sorted(some)) for digest, some in found.items()}

    def needs(self, digest: Digest) -> Iterator[Digest]:
        """Yield what goes with a manifest: what it lists, and what is about it."""
        item = self.items.get(digest)
        if item is not None:
            yield from item.children
            yield from item.referrers
        yield from self.beside.get(digest, ())

    def reach(self, starts: Iterable[Digest]) -> set[Digest]:
        """Return all that is needed from some digests, themselves included."""
        found: set[Digest] = set()
        waiting = list(starts)
        while waiting:
            digest = waiting.pop()
            if digest not in found:
                found.add(digest)
                waiting += self.needs(digest)
        return found

    def kept_by(self, starts: Iterable[Digest]) -> set[Digest]:
        """Return all that stays for some digests: what is needed, and what they are about."""
        found = self.reach(starts)
        while True:
            more = {
                item.subject
                for digest in found
                if (item := self.items.get(digest)) is not None
                and item.subject is not None
                and item.subject in self.items
                and item.subject not in found
            }
            if not more:
                return found
            found |= self.reach(more)

    def in_order(self, digests: Iterable[Digest]) -> list[Digest]:
        """Return digests so that whatever needs another one stands before it."""
        wanted = sorted({*digests})
        done: dict[Digest, None] = {}

        def visit(digest: Digest, above: frozenset[Digest]) -> None:
            if digest in done or digest in above:
                return
            for needed in self.needs(digest):
                visit(needed, above | {digest})
            done[digest] = None

        for digest in wanted:
            visit(digest, frozenset())
        return [digest for digest in reversed(done) if digest in {*wanted}]


def subject_of(tag: str) -> Digest | None:
    """Return what a tag of the fall-back or an older layout is about; nothing for other tags.

    >>> subject_of("sha256-" + "a" * 64 + ".sig") == "sha256:" + "a" * 64
    True
    >>> subject_of("1.2") is None
    True
    """
    found = _BESIDE.fullmatch(tag)
    return None if found is None else Digest(f"sha256:{found[1]}")
