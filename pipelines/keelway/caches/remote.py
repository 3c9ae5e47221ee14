"""Caches in registries: an artifact under a tag, of which only what is not there is moved."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from keelway._together import each
from keelway.caches.layout import STAGE, Layout, checked
from keelway.errors import StageError
from keelway.registry.blobs import Sent
from keelway.registry.client import open_repository
from keelway.registry.content import Descriptor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from keelway.caches.place import RegistryPlace
    from keelway.registry.content import Manifest
    from keelway.registry.logins import Login

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Files:
    """The blobs of a folder, as a registry takes them."""

    layout: Layout

    @property
    def name(self) -> str:
        """For people."""
        return str(self.layout.folder)

    @asynccontextmanager
    async def read(self, descriptor: Descriptor) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Give the pieces of a blob."""
        async with await anyio.open_file(self.layout.blob(descriptor.digest), "rb") as file:

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await file.read(_PIECE):
                    yield piece

            yield pieces()


async def fetch_lists(place: RegistryPlace, login: Login | None, folder: Path) -> Manifest | None:
    """Put the manifest of a cache, and its list of results, into a folder.

    Returns:
        The manifest; nothing where the registry has none yet.

    Raises:
        RegistryError: The registry refuses, or gives other bytes than the digest says.
        StageError: There is something else.
    """
    async with open_repository(place.repository, login=login, stage=STAGE) as repository:
        found = await repository.find(place.tag)
        if found is None:
            return None
        try:
            manifest = checked(found)
            config = Descriptor.parse(manifest.document["config"])
        except (KeyError, TypeError, ValueError) as error:
            raise StageError(
                f"{place} is no cache", stage=STAGE, why=str(error), next_step="name another tag"
            ) from error
        layout = Layout(folder)
        layout.put(manifest)
        layout.blob(config.digest).write_bytes(await repository.blob(config))
        return manifest


async def fetch_blobs(
    place: RegistryPlace,
    login: Login | None,
    folder: Path,
    manifest: Manifest,
    digests: frozenset[str],
) -> int:
    """Put blobs of a cache into a folder, and return their bytes.

    Raises:
        RegistryError: The registry refuses, or gives other bytes than the digest says.
    """
    layout = Layout(folder)
    wanted = [one for one in manifest.layers() if one.digest in digests]
    async with open_repository(place.repository, login=login, stage=STAGE) as repository:

        async def fetch(blob: Descriptor) -> None:
            await repository.blobs.save(blob, anyio.Path(layout.blob(blob.digest)))

        await each(fetch, wanted)
    return sum(one.size for one in wanted)


async def send(place: RegistryPlace, login: Login | None, folder: Path) -> int:
    """Let a tag name the cache of a folder, and return the bytes that were sent.

    The manifest comes last: whoever reads meanwhile has the old cache whole, or the new one.

    Raises:
        RegistryError: The registry does not take it.
    """
    layout = Layout(folder)
    manifest = layout.manifest()
    config = Descriptor.parse(manifest.document["config"])
    sent: list[int] = []
    async with open_repository(place.repository, login=login, stage=STAGE) as repository:
        there = await repository.find(place.tag)
        if there is not None and there.digest == manifest.digest:
            return 0

        async def give(blob: Descriptor) -> None:
            if await repository.blobs.take_from(_Files(layout), blob) is Sent.SENT:
                sent.append(blob.size)

        await each(give, [*manifest.layers(), config])
        await repository.put_manifest(manifest.data, manifest.media_type, tag=place.tag)
    return sum(sent)
