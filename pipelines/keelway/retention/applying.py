"""A plan carried out: before each deletion it is looked whether it still may be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from keelway.errors import RegistryError
from keelway.model.retention import Deleted, Deletion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.model.image import Digest
    from keelway.model.retention import RepositoryPlan
    from keelway.retention.inventory import Inventory
    from keelway.retention.removing import Remover
    from keelway.retention.taking import Taking


@dataclass(slots=True, kw_only=True)
class Applying:
    """One repository's part of a plan."""

    plan: RepositoryPlan
    taking: Taking
    remover: Remover
    protected: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digests that must stay by what is known now, with the reasons."""
    fresh_s: float = 2.0
    """A look at all tags is good for so many seconds."""
    _good_until: float = 0.0

    async def changes(self) -> tuple[str, ...]:
        """Return what speaks against the plan since it was made; nothing when it still holds.

        Raises:
            RegistryError: The registry refuses, or gives what cannot be read.
        """
        inventory = await self._look()
        return tuple(
            f"{self.plan.repository}@{digest}: {why}"
            for digest in self.planned
            if digest in inventory.items and (why := self._objection(inventory, digest)) is not None
        )

    async def apply(self) -> tuple[Deleted, ...]:
        """Delete what is planned, in an order in which nothing that is left misses anything.

        A failure is noted, and the rest is done as far as it does not depend on that.

        Raises:
            RegistryError: The registry cannot be looked at.
        """
        inventory = await self._look()
        done: list[Deleted] = []
        for digest in inventory.in_order(self.planned):
            done.append(await self._delete(digest))
            if done[-1].outcome in {Deletion.DELETED, Deletion.GONE}:
                self.taking.items.pop(digest, None)
        return tuple(done)

    @property
    def planned(self) -> Mapping[Digest, frozenset[str]]:
        """Return all digests that are to go, with the tags that they may have."""
        return dict(self._planned())

    def _planned(self) -> Iterator[tuple[Digest, frozenset[str]]]:
        for doomed in self.plan.delete:
            yield doomed.digest, frozenset(doomed.tags)
            for part in doomed.parts:
                yield part.digest, frozenset(part.tags)

    async def _look(self) -> Inventory:
        began = anyio.current_time()
        inventory = await self.taking.look(self.planned)
        if not inventory.tags:
            await self._mistrust()
        ended = anyio.current_time()
        # Where looking takes long it is done less often, or nothing else would be.
        self._good_until = ended + max(self.fresh_s, ended - began) if self.fresh_s else ended
        return inventory

    async def _mistrust(self) -> None:
        """Stop when a registry lists no tags although one of the plan is there."""
        for tag in sorted({tag for tags in self.planned.values() for tag in tags})[:1]:
            if await self.taking.repository.find(tag) is not None:
                raise RegistryError(
                    f"{self.plan.repository} lists no tags, although {tag} is there",
                    stage="retention",
                    next_step="nothing is deleted by such a list: ask the registry's operator",
                )

    async def _delete(self, digest: Digest) -> Deleted:
        tags = tuple(sorted(self.planned[digest]))
        try:
            if anyio.current_time() >= self._good_until:
                await self._look()
            inventory = await self.taking.again(digest)
            if digest not in inventory.items:
                return self._noted(digest, tags, Deletion.GONE)
            objection = self._objection(inventory, digest) or _above(inventory, digest)
            if objection is not None:
                return self._noted(digest, tags, Deletion.REFUSED, objection)
            there = await self.remover.delete(digest, inventory.names.get(digest, ()))
        except RegistryError as error:
            why = error.message if error.why is None else f"{error.message} ({error.why})"
            if error.next_step is not None:
                why += f"; next: {error.next_step}"
            return self._noted(digest, tags, Deletion.FAILED, why)
        return self._noted(digest, tags, Deletion.DELETED if there else Deletion.GONE)

    def _objection(self, inventory: Inventory, digest: Digest) -> str | None:
        """Return why a digest must stay; nothing when it may go by what is known now."""
        planned = self.planned
        if digest in self.protected:
            return self.protected[digest]
        fresh = {*inventory.names.get(digest, ())} - planned[digest]
        if fresh:
            return f"it is named {', '.join(sorted(fresh))} by now"
        stays = inventory.kept_by(
            {one for tag, one in inventory.roots.items() if tag not in planned.get(one, ())}
            | (inventory.items.keys() & self.protected.keys())
        )
        if digest in stays:
            return "something that stays needs it by now"
        more = (inventory.reach([digest]) & inventory.items.keys()) - planned.keys() - stays
        if more:
            return f"{min(more)} belongs to it by now, which the plan does not know"
        return None

    def _noted(
        self, digest: Digest, tags: tuple[str, ...], outcome: Deletion, why: str | None = None
    ) -> Deleted:
        return Deleted(
            repository=self.plan.repository, digest=digest, tags=tags, outcome=outcome, why=why
        )


def _above(inventory: Inventory, digest: Digest) -> str | None:
    """Return what of the plan is still there and needs a digest: it could not be deleted."""
    for other in inventory.items:
        if other != digest and digest in inventory.needs(other):
            return f"{other} needs it, and is still there"
    return None
