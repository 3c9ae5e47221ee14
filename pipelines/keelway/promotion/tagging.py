"""Tags of an environment, moved to a digest while others may move them too.

Registries know no conditional write of a tag. What decides between two promotions at once is the
record that each of them keeps beside its image before it moves a tag: the newer one stays, and
whoever finds that theirs is the older one leaves the tags alone and says so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from keelway.errors import RegistryError
from keelway.evidence.predicates.promotion import newest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.promotion.reading import Reader
    from keelway.registry.client import Repository
    from keelway.registry.content import Manifest

_STAGE = "promote"
_ROUNDS = 6
_SETTLE_S = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The tags of one image in one repository."""

    repository: Repository
    manifest: Manifest
    record: PromotionRecord
    """Whose time decides."""
    reader: Reader

    async def move(self, tags: Sequence[str]) -> None:
        """Let the tags name the image; those that do already are not written.

        Raises:
            RegistryError: The registry does not take it, or another promotion is newer.
        """
        if not await self._write(await self.elsewhere(tags)):
            return
        for _ in range(_ROUNDS):
            # Somebody who looked before this was written may write after it; not all at one moment.
            await anyio.sleep(_SETTLE_S * random.uniform(1, 2))  # noqa: S311 - no secret
            if not await self._write(await self.elsewhere(tags)):
                return
        raise RegistryError(
            f"{', '.join(tags)} of {self.repository.name}: others move these tags all the time",
            stage=_STAGE,
            next_step="find out who moves them, and run again",
        )

    async def elsewhere(self, tags: Sequence[str]) -> dict[str, Digest | None]:
        """Return those of the tags that do not name the image, with what they name."""
        named = await tagged(self.repository, tags)
        return {tag: digest for tag, digest in named.items() if digest != self.manifest.digest}

    async def _write(self, tags: Mapping[str, Digest | None]) -> bool:
        """Write the tags, and return whether there were any."""
        for digest in dict.fromkeys(tags.values()):
            if digest is not None:
                await self._stop_if_newer(digest)
        for tag in tags:
            await self.repository.put_manifest(self.manifest.data, self.manifest.media_type, tag)
        return bool(tags)

    async def _stop_if_newer(self, other: Digest) -> None:
        mine = self.record.entry
        theirs = newest(await self.reader.records(self.repository, other), mine.environment)
        if theirs is None or (theirs.entry.at, other) <= (mine.at, self.manifest.digest):
            return
        raise RegistryError(
            f"{theirs.entry.version} ({other[:19]}) was promoted to {mine.environment} meanwhile, "
            f"by {theirs.entry.actor.who}",
            stage=_STAGE,
            why="of two promotions at once the newer one stays",
            next_step="look at what is there; promote again if it is not what it should be",
        )


async def tagged(repository: Repository, tags: Sequence[str]) -> dict[str, Digest | None]:
    """Return what each tag names; nothing for one that is not there.

    Raises:
        RegistryError: The registry refuses.
    """
    found = [(tag, await repository.find(tag)) for tag in tags]
    return {tag: None if manifest is None else manifest.digest for tag, manifest in found}
