"""Blobs of one repository: whole ones, streams of large ones, and those that another one has.

What is read is held against its digest, and the last piece of what is sent goes out only when all
of it is what the digest says: nothing else is ever kept under its name.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import anyio
import httpx

from keelway.errors import RegistryError
from keelway.registry.content import Descriptor, digest_of
from keelway.registry.retrying import ATTEMPTS, is_passing, pause_s, retry_after
from keelway.registry.transport import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from keelway.model.image import Digest
    from keelway.registry.transport import Transport

_CREATED = 201
_UNAUTHORIZED = 401
_OCTETS = "application/octet-stream"


class Sent(Enum):
    """How a blob came to where it is."""

    THERE = "there"
    """It was there before."""
    MOUNTED = "mounted"
    """The registry had it in another repository."""
    SENT = "sent"
    """Its bytes were sent."""


class BlobSource(Protocol):
    """Where bytes of blobs come from: another repository, or a folder."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def read(self, descriptor: Descriptor) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Give the pieces of a blob."""
        ...


class _PassingError(Exception):
    """An answer that may be another one later."""

    def __init__(self, error: RegistryError, wait_s: float) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s


class Blobs:
    """The blobs of one repository."""

    def __init__(self, transport: Transport, *, name: str, path: str, stage: str) -> None:
        """Keep the way to them.

        Args:
            transport: Requests to the registry.
            name: The repository, as `host[:port]/path`.
            path: Its path alone.
            stage: Which stage it is for, for errors.
        """
        self.name = name
        self.path = path
        self.transport = transport
        self._stage = stage
        self._putting: dict[Digest, anyio.Lock] = {}
        self._put: set[Digest] = set()

    @property
    def _pull(self) -> str:
        return f"repository:{self.path}:pull"

    @property
    def _push(self) -> str:
        return f"repository:{self.path}:pull,push"

    async def has(self, digest: Digest) -> bool:
        """Return whether a blob is there.

        Raises:
            RegistryError: Nobody answers, or the login is refused.
        """
        url = f"/v2/{self.path}/blobs/{digest}"
        return (await self.transport.send("HEAD", url, scope=self._pull)).ok

    async def get(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a blob, checked.

        Raises:
            RegistryError: It is not there, or its bytes are not what the digest says.
        """
        url = f"/v2/{self.path}/blobs/{descriptor.digest}"
        answer = await self.transport.send("GET", url, scope=self._pull)
        if not answer.ok:
            raise self.transport.refused(f"to give {self.name}@{descriptor.digest}", answer)
        if digest_of(answer.data) != descriptor.digest:
            raise self._tampered(descriptor, digest_of(answer.data))
        return answer.data

    async def put(self, data: bytes, media_type: str) -> Descriptor:
        """Keep a blob, unless it is there, and return what points to it.

        Of the same bytes the registry is asked once, however many put them.

        Raises:
            RegistryError: The registry does not take it.
        """
        descriptor = Descriptor.of(data, media_type)
        async with self._putting.setdefault(descriptor.digest, anyio.Lock()):
            if descriptor.digest not in self._put:
                await self._put_once(data, descriptor)
                self._put.add(descriptor.digest)
        return descriptor

    async def _put_once(self, data: bytes, descriptor: Descriptor) -> None:
        if await self.has(descriptor.digest):
            return
        done = await self.transport.send(
            "PUT",
            _finished(await self._begin(), descriptor.digest),
            scope=self._push,
            headers={"Content-Type": _OCTETS},
            data=data,
        )
        if not done.ok:
            raise self.transport.refused(f"the blob {descriptor.digest}", done)

    async def copy_from(self, source: Blobs, descriptor: Descriptor) -> Sent:
        """Keep a blob of another repository: only what is not there is sent.

        Args:
            source: Where it is.
            descriptor: What points to it.

        Raises:
            RegistryError: One of the registries refuses, or gives other bytes than the digest says.
        """
        if await self.has(descriptor.digest):
            return Sent.THERE
        if source.transport.host == self.transport.host and await self._mount(source, descriptor):
            return Sent.MOUNTED
        await self._send(source, descriptor)
        return Sent.SENT

    async def take_from(self, source: BlobSource, descriptor: Descriptor) -> Sent:
        """Keep a blob of a folder: only what is not there is sent.

        Raises:
            RegistryError: The registry refuses.
        """
        if await self.has(descriptor.digest):
            return Sent.THERE
        await self._send(source, descriptor)
        return Sent.SENT

    async def save(self, descriptor: Descriptor, path: anyio.Path) -> None:
        """Write a blob to a file, which is there when all of it is what the digest says.

        Raises:
            RegistryError: The registry refuses, or gives other bytes.
        """
        new = path.with_name(f".{path.name}")

        async def fetch() -> None:
            async with self.read(descriptor) as pieces, await new.open("wb") as file:
                async for piece in pieces:
                    await file.write(piece)

        await self._again(fetch, descriptor, way=f"from {self.name}")
        await new.rename(path)

    async def _send(self, source: BlobSource, descriptor: Descriptor) -> None:
        """Send a blob, again from its beginning after what can pass."""

        async def stream() -> None:
            await self._stream(source, descriptor)

        await self._again(stream, descriptor, way=f"from {source.name} to {self.name}")

    async def _again(
        self, work: Callable[[], Awaitable[None]], descriptor: Descriptor, *, way: str
    ) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            wait = 0.0
            try:
                await work()
            except (httpx.TransportError, httpx.StreamError) as error:
                if attempt == ATTEMPTS:
                    raise self._broken(way, descriptor, error) from error
            except _PassingError as passing:
                if attempt == ATTEMPTS:
                    raise passing.error from None
                wait = passing.wait_s
            else:
                return
            await anyio.sleep(pause_s(attempt, wait))

    async def _mount(self, source: Blobs, descriptor: Descriptor) -> bool:
        """Return whether the registry took a blob over from another of its repositories."""
        url = f"/v2/{self.path}/blobs/uploads/"
        query = {"mount": descriptor.digest, "from": source.path}
        scope = f"{self._push} repository:{source.path}:pull"
        answer = await self.transport.send("POST", url, scope=scope, query=query)
        return answer.status == _CREATED

    async def _stream(self, source: BlobSource, descriptor: Descriptor) -> None:
        """Send a blob as it comes.

        Raises:
            RegistryError: One of the registries refuses, or gives other bytes.
            _PassingError: One of them says that it may do so later.
        """
        async with source.read(descriptor) as pieces:
            place = _finished(await self._begin(), descriptor.digest)
            headers = {"Content-Type": _OCTETS, "Content-Length": str(descriptor.size)}
            async with self.transport.stream(
                "PUT", place, scope=self._push, headers=headers, data=pieces
            ) as response:
                await response.aread()
                answer = Answer.of(response)
        # The login was just good for the beginning of the upload: its token is over, no more.
        if not answer.ok:
            raise self._judged(f"the blob {descriptor.digest}", answer, also=_UNAUTHORIZED)

    @asynccontextmanager
    async def read(self, descriptor: Descriptor) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Give the pieces of a blob, the last one only when all are what the digest says.

        Raises:
            RegistryError: The registry refuses, or gives other bytes.
            httpx.TransportError: The connection broke.
        """
        url = f"/v2/{self.path}/blobs/{descriptor.digest}"
        # As they are stored: what a transfer packs is not what the digest is of.
        plain = {"Accept-Encoding": "identity"}
        async with self.transport.stream("GET", url, scope=self._pull, headers=plain) as response:
            if not response.is_success:
                await response.aread()
                raise self._judged(f"to give {self.name}@{descriptor.digest}", Answer.of(response))
            yield self._checked(response, descriptor)

    async def _checked(
        self, response: httpx.Response, descriptor: Descriptor
    ) -> AsyncIterator[bytes]:
        algorithm = descriptor.digest.partition(":")[0]
        seen, held = hashlib.new(algorithm), b""
        async for piece in response.aiter_raw():
            if held:
                yield held
            seen.update(piece)
            held = piece
        if f"{algorithm}:{seen.hexdigest()}" != descriptor.digest:
            raise self._tampered(descriptor, f"{algorithm}:{seen.hexdigest()}")
        if held:
            yield held

    async def _begin(self) -> str:
        url = f"/v2/{self.path}/blobs/uploads/"
        begun = await self.transport.send("POST", url, scope=self._push)
        if not begun.ok or "location" not in begun.headers:
            raise self.transport.refused("an upload", begun)
        return begun.headers["location"]

    def _judged(
        self, doing: str, answer: Answer, also: int | None = None
    ) -> RegistryError | _PassingError:
        error = self.transport.refused(doing, answer)
        if is_passing(answer.status) or answer.status == also:
            return _PassingError(error, retry_after(answer.headers, now=time.time()))
        return error

    def _tampered(self, descriptor: Descriptor, found: str) -> RegistryError:
        return RegistryError(
            f"{self.name}@{descriptor.digest} was tampered with: its bytes have the digest {found}",
            stage=self._stage,
            next_step="do not use it; publish the image again",
        )

    def _broken(self, way: str, descriptor: Descriptor, error: Exception) -> RegistryError:
        return RegistryError(
            f"the blob {descriptor.digest} did not get {way}",
            stage=self._stage,
            why=f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            next_step="check both registries and the network, and run again: "
            "what is there already is not sent twice",
        )


def _finished(location: str, digest: Digest) -> str:
    joint = "&" if "?" in location else "?"
    return f"{location}{joint}digest={digest}"
