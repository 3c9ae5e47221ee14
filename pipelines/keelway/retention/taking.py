"""The inventory of a repository, taken by what any registry of the OCI specification answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import anyio

from keelway._together import each
from keelway.errors import RegistryError
from keelway.evidence.predicates.promotion import RECORD_TYPE
from keelway.evidence.promotions import unproved_records
from keelway.model.evidence import PredicateType
from keelway.registry.content import Descriptor, Manifest
from keelway.registry.describing import describe, read_moment
from keelway.registry.listing import list_tags
from keelway.retention.inventory import Inventory, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.registry.client import Repository
    from keelway.registry.logins import Login

_STAGE = "retention"
_SETTLE_S = 1.0
_CREATED = "org.opencontainers.image.created"
_PREDICATE = "dev.sigstore.bundle.predicateType"


@dataclass(slots=True)
class Taking:
    """A look at a repository; what was seen once is not fetched again."""

    repository: Repository
    login: Login | None
    pushed: Mapping[Digest, datetime] = field(default_factory=dict["Digest", datetime])
    """When digests were pushed, where the registry tells."""
    with_records: bool = True
    """Whether records of promotions are read."""
    tags: dict[str, Digest] = field(default_factory=dict[str, "Digest"])
    items: dict[Digest, Item] = field(default_factory=dict["Digest", Item])
    records: list[PromotionRecord] = field(default_factory=list["PromotionRecord"])
    _recorded: set[Digest] = field(default_factory=set["Digest"])
    _heads: set[Digest] = field(default_factory=set["Digest"])

    async def look(self, untagged: Iterable[Digest] = ()) -> Inventory:
        """Return what is there now, by all tags, and by digests that the registry lists.

        Args:
            untagged: Digests that are known otherwise.

        Raises:
            RegistryError: The registry refuses, or gives what cannot be read.
        """
        known = await self._tagged()
        self.tags = {tag: manifest.digest for tag, manifest in known.items()}
        self._heads = {*self.tags.values(), *untagged}
        await self._follow(
            {**dict.fromkeys(untagged), **{one.digest: one for one in known.values()}}
        )
        return self._inventory()

    async def _tagged(self) -> dict[str, Manifest]:
        """Return what each tag names; a tag whose manifest is not there is looked at twice."""
        found = await self._look_up()
        if None in found.values():
            await anyio.sleep(_SETTLE_S)  # it may be on its way, or just going
            found = await self._look_up()
        return {tag: manifest for tag, manifest in found.items() if manifest is not None}

    async def _look_up(self) -> dict[str, Manifest | None]:
        names = await list_tags(self.repository.name, login=self.login, stage=_STAGE)
        return dict(zip(names, await each(self.repository.find, names), strict=True))

    async def again(self, digest: Digest) -> Inventory:
        """Return what is there, with a fresh look at one digest and what refers to it.

        Raises:
            RegistryError: The registry refuses, or gives what cannot be read.
        """
        self.items.pop(digest, None)
        await self._follow({digest: None})
        return self._inventory()

    def _inventory(self) -> Inventory:
        return Inventory(
            repository=self.repository.name,
            tags=dict(self.tags),
            items=dict(self.items),
            promoted=_promoted(self.records),
        )

    async def _follow(self, waiting: Mapping[Digest, Manifest | None]) -> None:
        """Add manifests that are not known yet, and all that they lead to."""
        while waiting:
            fresh = [one for one in waiting.items() if one[0] not in self.items]
            more = await each(self._take, fresh)
            waiting = {digest: None for some in more for digest in some}

    async def _take(self, wanted: tuple[Digest, Manifest | None]) -> list[Digest]:
        """Add one manifest, and return what it leads to."""
        digest, manifest = wanted
        manifest = manifest or await self.repository.find(digest)
        if manifest is None:
            return []
        entries = _listed(manifest)
        referring = await self.repository.referrers(digest)
        self.items[digest] = await self._item(manifest, entries, referring)
        await self._read_records(digest, referring)
        return [entry.digest for entry in (*entries, *referring)]

    async def _item(
        self, manifest: Manifest, entries: tuple[Descriptor, ...], referring: tuple[Descriptor, ...]
    ) -> Item:
        at, at_is = self.pushed.get(manifest.digest), "pushed"
        if at is None:
            at, at_is = await self._made(manifest, entries), "created"
        return Item(
            digest=manifest.digest,
            kind=_kind(manifest),
            children=tuple(entry.digest for entry in entries),
            subject=_subject(manifest),
            referrers=tuple(entry.digest for entry in referring),
            blobs={
                manifest.digest: len(manifest.data),
                **{blob.digest: blob.size for blob in manifest.blobs()},
            },
            at=at,
            at_is=at_is,
        )

    async def _made(self, manifest: Manifest, entries: tuple[Descriptor, ...]) -> datetime | None:
        """Return when an image was made, by its own words; a list of evidence by its newest."""
        if manifest.digest not in self._heads:  # ages are counted of what has tags
            return read_moment(_annotations(manifest).get(_CREATED))
        described = await describe(self.repository, manifest)
        if described.created is not None:
            return described.created
        times = [read_moment(entry.annotations.get(_CREATED)) for entry in entries]
        return max((time for time in times if time is not None), default=None)

    async def _read_records(self, digest: Digest, referring: tuple[Descriptor, ...]) -> None:
        """Read the records of promotions beside an image, if there may be any."""
        att = f"{digest.replace(':', '-')}.att"
        listed = any(
            entry.annotations.get(_PREDICATE) in {None, PredicateType.PROMOTION.value}
            or entry.artifact_type == RECORD_TYPE
            for entry in referring
        )
        if self.with_records and digest not in self._recorded and (listed or att in self.tags):
            self._recorded.add(digest)
            self.records += await unproved_records(self.repository, digest)


def _annotations(manifest: Manifest) -> Mapping[str, Any]:
    found = manifest.document.get("annotations")
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _listed(manifest: Manifest) -> tuple[Descriptor, ...]:
    try:
        return manifest.manifests() if manifest.is_index else ()
    except ValueError as error:
        raise RegistryError(
            f"the index {manifest.digest} cannot be read", stage=_STAGE, why=str(error)
        ) from error


def _subject(manifest: Manifest) -> Digest | None:
    try:
        return Descriptor.parse(manifest.document["subject"]).digest
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _kind(manifest: Manifest) -> str:
    named = manifest.document.get("artifactType")
    if isinstance(named, str):
        return named
    return "index" if manifest.is_index else "image"


def _promoted(records: list[PromotionRecord]) -> dict[tuple[str, str], tuple[Digest, ...]]:
    """Return what was promoted, the newest first, each digest once, by environment and image."""
    found: dict[tuple[str, str], dict[Digest, None]] = {}
    for record in sorted(records, key=lambda one: one.entry.at, reverse=True):
        place = (record.entry.environment, ", ".join(record.entry.images))
        found.setdefault(place, {})[record.digest] = None
    return {place: tuple(digests) for place, digests in found.items()}
