"""Content by digest: `blobs/sha256/<hex>`, the form in which OCI tools share blobs."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, BinaryIO

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import Descriptor, hex_of, sha256
from keelway.engine.store.space import disk_error
from keelway.engine.store.waited import check_waited

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.engine.store.workspace import Workspace

_CHUNK = 1 << 20


class BlobWriter:
    """A blob being written; it becomes visible when it is complete."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to this file and digest what is written."""
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self._digest.update(data)
        self._file.write(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return "sha256:" + self._digest.hexdigest()


class Blobs:
    """The blobs of a store."""

    def __init__(self, root: Path, workspace: Workspace) -> None:
        """Use `root/blobs`."""
        self.root = root / "blobs"
        self._folder = self.root / "sha256"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._workspace = workspace

    def path(self, digest: str) -> Path:
        """Return where a blob is, or would be.

        Raises:
            EngineError: It is no sha256 digest.
        """
        return self._folder / hex_of(digest)

    def has(self, digest: str) -> bool:
        """Say whether the blob is there; from then on it stays for this session."""
        self._workspace.pin(digest)
        return self.path(digest).exists()

    def read(self, digest: str) -> bytes:
        """Return the bytes of a (small) blob.

        Raises:
            EngineError: There is no such blob, or it was damaged.
        """
        data = self.find(digest)
        if data is None:
            raise EngineError(f"the store lost the blob {digest}; try again")
        return data

    def find(self, digest: str) -> bytes | None:
        """Return the bytes of a (small) blob, which stays for this session; None if it is not here.

        One that does not have its digest any more is removed.
        """
        self._workspace.pin(digest)
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            return None
        if sha256(data) == digest:
            return data
        self._workspace.discard(self.path(digest))
        return None

    def put_bytes(self, data: bytes, media_type: str) -> Descriptor:
        """Keep bytes."""
        digest = sha256(data)
        if not self.has(digest):
            with self.writer() as writer:
                writer.write(data)
        return Descriptor(media_type=media_type, digest=digest, size=len(data))

    def put_file(self, path: Path, media_type: str, *, expected: str | None = None) -> Descriptor:
        """Keep a copy of a file.

        Raises:
            EngineError: The file does not have the expected digest.
        """
        with path.open("rb") as source:
            return self.put_stream(source, media_type, expected=expected)

    def put_stream(
        self, source: BinaryIO, media_type: str, *, expected: str | None = None
    ) -> Descriptor:
        """Keep what a stream gives.

        Raises:
            EngineError: The stream does not have the expected digest.
        """
        with self.writer(expected) as writer:
            while chunk := source.read(_CHUNK):
                check_waited()
                writer.write(chunk)
        return Descriptor(media_type=media_type, digest=writer.digest, size=writer.size)

    @contextlib.contextmanager
    def writer(self, expected: str | None = None) -> Generator[BlobWriter]:
        """Give a writer; at the end of the block the blob is there under its digest.

        Raises:
            EngineError: What was written does not have the expected digest.
        """
        work = self._workspace.new_work("blob")
        try:
            with (work / "blob").open("wb") as file:
                writer = BlobWriter(file)
                yield writer
            if expected is not None and writer.digest != expected:
                raise EngineError(
                    f"content of {writer.size} bytes has the digest {writer.digest}, "
                    f"not {expected}: it is damaged or was tampered with"
                )
            self._workspace.pin(writer.digest)
            (work / "blob").rename(self.path(writer.digest))
        except OSError as error:
            raise disk_error(error) or error from error
        finally:
            self._workspace.discard(work)

    def verify(self, digest: str) -> bool:
        """Read a blob and say whether it has its digest; one that has not is removed."""
        try:
            with self.path(digest).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return False
        if found == hex_of(digest):
            return True
        self._workspace.discard(self.path(digest))
        return False
