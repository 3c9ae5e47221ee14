"""Tags that several write at once: what was added to one is looked for again until it is there.

Registries know no conditional write of a tag, so what was written is read again until the addition
is in it; and once more at the end, for somebody who had read the tag before.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

import anyio

from keelway.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keelway.registry.content import Manifest

_ATTEMPTS = 20
_SETTLE_S = 0.4
_TIMES_SLOWER = 3


class Addition(Protocol):
    """Something that is added to the manifest or index under a tag."""

    def is_in(self, found: Manifest) -> bool:
        """Return whether it is there."""
        ...

    async def added_to(self, found: Manifest | None) -> tuple[bytes, str]:
        """Return the new manifest and its media type."""
        ...


class Amendments:
    """What was added to the tags of one repository."""

    def __init__(
        self,
        name: str,
        *,
        stage: str,
        find: Callable[[str], Awaitable[Manifest | None]],
        put: Callable[[bytes, str, str], Awaitable[object]],
        writing: dict[str, anyio.Lock] | None = None,
    ) -> None:
        """Keep how tags are read and written.

        Args:
            name: The repository, for errors.
            stage: Which stage it is for, for errors.
            find: What reads a tag.
            put: What writes a manifest of a media type to a tag.
            writing: Whose turn it is, by tags' full names: all who share it write by turns.
        """
        self._name = name
        self._stage = stage
        self._find = find
        self._put = put
        self._writing = {} if writing is None else writing
        self._amended: dict[str, list[Addition]] = {}
        self._written: set[str] = set()
        self._slowest_s = 0.0

    async def add(self, tag: str, addition: Addition) -> Manifest:
        """Add something to what a tag names; others may do the same at the same time.

        Raises:
            RegistryError: The registry does not take it, or others always overwrite it.
        """
        self._amended.setdefault(tag, []).append(addition)
        return await self._add(tag, addition)

    async def settle(self) -> None:
        """Look again, after a while, whether what was added was lost to another's write.

        Somebody who had read a tag before it was amended here, and wrote it afterwards, did not
        know of the addition. A tag that had all additions already was not written, and is not
        looked at: whoever wrote it does. The pause is longer than anybody takes between the two:
        others are taken to be as slow as the slowest write here was, several times over.

        Raises:
            RegistryError: Others always overwrite it.
        """
        for _ in range(_ATTEMPTS if self._written else 0):
            # Not all at the same moment: they would overwrite each other again.
            pause = max(_SETTLE_S, _TIMES_SLOWER * self._slowest_s)
            await anyio.sleep(pause * random.uniform(1, 2))  # noqa: S311 - no secret
            if not [tag for tag in sorted(self._written) if await self._add_again(tag)]:
                self.forget()
                return
        if self._written:
            raise self._contended(min(self._written))
        self.forget()

    def forget(self) -> None:
        """Look for nothing that was added so far any more."""
        self._amended.clear()
        self._written.clear()

    async def _add_again(self, tag: str) -> bool:
        """Add what was lost, and return whether anything was."""
        found = await self._find(tag)
        lost = [one for one in self._amended[tag] if found is None or not one.is_in(found)]
        for addition in lost:
            await self._add(tag, addition)
        return bool(lost)

    async def _add(self, tag: str, addition: Addition) -> Manifest:
        async with self._writing.setdefault(f"{self._name}:{tag}", anyio.Lock()):
            for attempt in range(_ATTEMPTS):
                began = anyio.current_time()
                found = await self._find(tag)
                if found is not None and addition.is_in(found):
                    return found
                await anyio.sleep(0.05 * attempt * random.random())  # noqa: S311 - no secret
                data, media_type = await addition.added_to(found)
                self._written.add(tag)
                await self._put(data, media_type, tag)
                self._slowest_s = max(self._slowest_s, anyio.current_time() - began)
        raise self._contended(tag)

    def _contended(self, tag: str) -> RegistryError:
        """Return the error for a tag that loses what is added to it."""
        return RegistryError(
            f"{self._name}:{tag} is written by others all the time: what was added is lost",
            stage=self._stage,
            next_step="run again when nobody else signs this image",
        )
