"""Digests of files, however large."""

from __future__ import annotations

import hashlib
from pathlib import Path  # noqa: TC003 -- the function that runs in a thread takes it

import anyio.to_thread

from keelway.errors import StageError
from keelway.model.image import Digest


async def digest_of_file(path: Path, *, stage: str) -> Digest:
    """Return the SHA-256 digest of a file.

    Raises:
        StageError: It cannot be read.
    """
    try:
        return await anyio.to_thread.run_sync(_digest, path)
    except OSError as error:
        raise StageError(
            f"{path.name} cannot be read: {error.strerror}",
            stage=stage,
            next_step="run again; nothing else may write to the report directory meanwhile",
        ) from error


def _digest(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
