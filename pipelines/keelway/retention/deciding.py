"""Which tags of a repository stay by the rules, and what may go with those that don't. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from keelway.config.naming import told_apart
from keelway.model.retention import Doomed, Kept, Part, RepositoryPlan
from keelway.retention.inventory import subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from keelway.model.image import Digest
    from keelway.retention.inventory import Inventory, Item
    from keelway.tags.selecting import Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, as far as one repository goes."""

    name: str
    """As people call it: its patterns."""
    selectors: tuple[Selector, ...]
    keep: bool = False
    keep_last: int | None = None
    keep_days: int | None = None
    sharing: Mapping[str, str] = field(default_factory=dict[str, str])
    """The ends of the tags of all images in the repository, by image, where it has several."""
    images: frozenset[str] = frozenset()
    """Those of them that the rule is about; all of them when empty."""

    def set_of(self, tag: str) -> tuple[str, ...] | None:
        """Return which set a tag belongs to; nothing when the rule is not about it.

        Images that share a repository are counted each by itself.
        """
        image = told_apart(self.sharing, tag)
        if self.images and image not in self.images:
            return None
        for selector in self.selectors:
            found = selector.set_of(tag)
            if found is not None:
                return found if image is None else (image, *found)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """What stays whatever the rules say, with the reasons."""

    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """By digest, in any repository."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    """By tag."""
    rollbacks: int = 3
    """How many versions of each environment stay, by the records of promotions."""


def decide(
    inventory: Inventory,
    rules: Sequence[Rule],
    protected: Protected,
    *,
    now: datetime,
    grace: timedelta,
) -> RepositoryPlan:
    """Return what stays and what may go, each with the reason.

    Args:
        inventory: What the repository has.
        rules: What is kept of which tags.
        protected: What stays whatever the rules say.
        now: The moment by which ages are counted.
        grace: How old what has no tag must be before it goes.
    """
    kept: dict[str, str] = {}
    expired: dict[str, str] = {}
    counted = [_Counted(rule, inventory) for rule in rules]
    digests = {**_promoted(inventory, protected.rollbacks), **protected.digests}
    for tag, digest in sorted(inventory.roots.items()):
        verdict = _Verdict(inventory, counted, now)
        reason = digests.get(digest) or protected.tags.get(tag) or verdict.kept(tag)
        if reason is not None:
            kept[tag] = reason
        else:
            expired[tag] = verdict.expired(tag)
    loose = _loose(inventory)
    young = {digest for digest in loose if not _is_old(inventory, digest, now - grace)}
    asked = {digest for digest in inventory.items if digest in digests}
    stays = inventory.kept_by({inventory.roots[tag] for tag in kept} | asked | young)
    old = {digest: reason for digest, reason in loose.items() if digest not in stays}
    return _plan(inventory, _Split(kept, expired, digests), stays, old, now)


def _promoted(inventory: Inventory, rollbacks: int) -> dict[str, str]:
    """Return what a rollback needs, by the records of promotions."""
    return {
        digest: f"{environment} may go back to it"
        for (environment, _), digests in inventory.promoted.items()
        for digest in digests[: rollbacks + 1]
    }


@dataclass(slots=True)
class _Counted:
    """A rule, and what it counts in a repository."""

    rule: Rule
    inventory: Inventory
    newest: set[Digest] = field(default_factory=set["Digest"])
    """Those that are among the newest of their set."""

    def __post_init__(self) -> None:
        sets: dict[tuple[str, ...], dict[Digest, datetime]] = {}
        for tag, digest in self.inventory.roots.items():
            belongs = self.rule.set_of(tag)
            at = self.inventory.items[digest].at if digest in self.inventory.items else None
            if belongs is not None and at is not None:
                sets.setdefault(belongs, {})[digest] = at
        for found in sets.values():
            ordered = sorted(found, key=lambda one: (found[one], one), reverse=True)
            self.newest |= {*ordered[: self.rule.keep_last or 0]}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the rules say of one tag."""

    inventory: Inventory
    counted: Sequence[_Counted]
    now: datetime

    def kept(self, tag: str) -> str | None:
        """Return why the tag stays; nothing when it may go."""
        about = [one for one in self.counted if one.rule.set_of(tag) is not None]
        if not about:
            return "no rule is about it"
        return next((why for one in about if (why := self._kept_by(one, tag)) is not None), None)

    def expired(self, tag: str) -> str:
        """Return why the tag may go."""
        about = [one.rule for one in self.counted if one.rule.set_of(tag) is not None]
        return "; ".join(_limits(rule) for rule in about)

    def _kept_by(self, one: _Counted, tag: str) -> str | None:
        rule = one.rule
        digest = self.inventory.roots[tag]
        item = self.inventory.items.get(digest)
        if rule.keep:
            return f"{rule.name} are all kept"
        if item is None or item.at is None:
            return "its age is not known"
        if digest in one.newest:
            return f"one of the newest {rule.keep_last} of {rule.name}"
        if rule.keep_days is not None and self.now - item.at < timedelta(days=rule.keep_days):
            return f"younger than {rule.keep_days} days ({rule.name})"
        return None


def _limits(rule: Rule) -> str:
    limits = [
        *([] if rule.keep_last is None else [f"not one of the newest {rule.keep_last}"]),
        *([] if rule.keep_days is None else [f"older than {rule.keep_days} days"]),
    ]
    return f"{rule.name}: {', '.join(limits)}"


def _loose(inventory: Inventory) -> dict[Digest, str]:
    """Return what no tag of an image leads to, with the reasons."""
    tagged = inventory.reach(inventory.tags.values())
    untagged = {
        digest: "it has no tag, and nothing lists it"
        for digest in inventory.items
        if digest not in tagged
    }
    about_gone = {
        digest: "what it is about is not there any more"
        for tag, digest in inventory.tags.items()
        if (subject := subject_of(tag)) is not None and subject not in inventory.items
    }
    return untagged | about_gone


def _is_old(inventory: Inventory, digest: Digest, before: datetime) -> bool:
    """Return whether all that would go with a digest is known to be older than a moment."""
    parts = [inventory.items.get(one) for one in inventory.reach([digest])]
    times = [part.at for part in parts if part is not None and part.at is not None]
    return bool(times) and max(times) <= before


@dataclass(frozen=True, slots=True)
class _Split:
    """Tags that stay and tags that may go, with the reasons."""

    kept: Mapping[str, str]
    expired: Mapping[str, str]
    digests: Mapping[str, str]
    """What stays by its digest."""


def _plan(
    inventory: Inventory,
    split: _Split,
    stays: set[Digest],
    loose: Mapping[Digest, str],
    now: datetime,
) -> RepositoryPlan:
    """Return the plan: what goes is told once, with what goes with it."""
    expired = {inventory.roots[tag] for tag in split.expired} - stays
    heads = inventory.in_order((expired | {*loose}) & inventory.items.keys())
    taken: set[Digest] = set()
    doomed: list[Doomed] = []
    for digest in heads:
        if digest in taken:
            continue
        with_it = inventory.reach([digest]) - stays - taken - {digest}
        taken |= {digest, *with_it}
        tags = [tag for tag in inventory.names.get(digest, ()) if tag in split.expired]
        reasons = dict.fromkeys(split.expired[tag] for tag in tags)
        doomed.append(
            Doomed(
                digest=digest,
                tags=inventory.names.get(digest, ()),
                parts=tuple(
                    _part(inventory, one)
                    for one in inventory.in_order(with_it)
                    if one in inventory.items
                ),
                size_bytes=_size(inventory, [digest, *with_it]),
                age=_age(inventory.items.get(digest), now),
                reason="; ".join(reasons) or loose.get(digest, "goes with its tag"),
            )
        )
    return RepositoryPlan(
        repository=inventory.repository,
        delete=tuple(doomed),
        keep=tuple(_kept(inventory, split, stays, now)),
        freed_bytes=_freed(inventory, taken),
    )


def _kept(inventory: Inventory, split: _Split, stays: set[Digest], now: datetime) -> Iterator[Kept]:
    """Yield what stays: what has tags that people use, or was asked for by its digest."""
    for digest in sorted(stays & inventory.items.keys()):
        tags = [tag for tag in inventory.names.get(digest, ()) if subject_of(tag) is None]
        if not tags and digest not in split.digests:
            continue
        reasons = dict.fromkeys(split.kept[tag] for tag in tags if tag in split.kept)
        if digest in split.digests:
            reasons = {split.digests[digest]: None}
        yield Kept(
            digest=digest,
            tags=tuple(tags),
            size_bytes=_size(inventory, inventory.reach([digest])),
            age=_age(inventory.items.get(digest), now),
            reason="; ".join(reasons) or "something that stays needs it",
        )


def _part(inventory: Inventory, digest: Digest) -> Part:
    item = inventory.items[digest]
    return Part(digest=digest, kind=item.kind, tags=inventory.names.get(digest, ()))


def _size(inventory: Inventory, digests: Sequence[Digest] | set[Digest]) -> int:
    blobs: dict[Digest, int] = {}
    for digest in digests:
        item = inventory.items.get(digest)
        blobs |= {} if item is None else item.blobs
    return sum(blobs.values())


def _freed(inventory: Inventory, taken: set[Digest]) -> int:
    """Return the bytes that only what goes is made of."""
    left = {
        blob
        for digest, item in inventory.items.items()
        if digest not in taken
        for blob in item.blobs
    }
    gone: dict[Digest, int] = {}
    for digest in taken & inventory.items.keys():
        gone |= inventory.items[digest].blobs
    return sum(size for blob, size in gone.items() if blob not in left)


def _age(item: Item | None, now: datetime) -> str:
    if item is None or item.at is None:
        return "not known"
    return f"{max((now - item.at).days, 0)} days ({item.at_is} {item.at:%Y-%m-%d %H:%M} UTC)"
