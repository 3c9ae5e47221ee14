"""A machine that runs services: commands and files, and nothing else is asked of it.

Everything that deploys works on this alone, so that this machine and one behind SSH are the same.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import anyio

from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyio.abc import ByteReceiveStream, Process

STAGE = "deploy"


class HostError(StageError):
    """A host cannot be reached, or was lost: what it was asked may or may not have happened."""

    def __init__(
        self, message: str, *, host: str, why: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep which host it is."""
        super().__init__(message, stage=STAGE, why=why, next_step=next_step)
        self.host = host


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    """Its exit code; 128 and the signal's number where one ended it."""
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Return what it printed for its caller, without spaces around it."""
        return self.stdout.decode(errors="replace").strip()

    @property
    def complaint(self) -> str:
        """Return what it printed for a person, or else for its caller."""
        said = self.stderr if self.stderr.strip() else self.stdout
        return said.decode(errors="replace").strip()


class Host(Protocol):
    """What is asked of a machine.

    Every method raises `HostError` when the machine cannot be reached, or is lost on the way.
    """

    @property
    def name(self) -> str:
        """Return what people call it: `web1.example.com`, or `this machine`."""
        ...

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        """Run a command to its end, without a shell, and return how it ended whatever its code.

        Args:
            words: The program and its arguments.
            given: What it reads on standard input. Secrets go this way, never as arguments.
            timeout_s: After so many seconds it is ended, and its exit code is 124 as that of
                timeout(1).
        """
        ...

    async def read(self, path: str) -> bytes | None:
        """Return what is in a file; nothing when there is none.

        Raises `HostError` too when it cannot be read.
        """
        ...

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Put a file in its place at once: whoever reads sees the old one or the whole new one.

        Args:
            path: Absolute; the folders above it are made, closed to others.
            data: What is in it.
            mode: Who may read it; it never exists with any other.

        Raises `HostError` too when it cannot be written; what was there before is there still.
        """
        ...


class LocalHost:
    """This machine."""

    def __init__(self, name: str = "this machine") -> None:
        """Keep what people call it."""
        self.name = name

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        """Run a command in a session of its own, so that it ends with all that it started."""
        try:
            process = await anyio.open_process(list(words), start_new_session=True)
        except OSError as error:
            return Ran(code=127, stdout=b"", stderr=f"{words[0]}: {error.strerror}".encode())
        try:
            with anyio.move_on_after(timeout_s):
                return await _ended(process, given)
            return Ran(code=124, stdout=b"", stderr=f"no end after {timeout_s:g} s".encode())
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    # It may have ended since, where nobody could be told.
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                await process.aclose()

    async def read(self, path: str) -> bytes | None:
        """Return what is in a file; nothing when there is none."""
        try:
            return await anyio.Path(path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HostError(
                f"{path} on {self.name} cannot be read", host=self.name, why=error.strerror
            ) from error

    async def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """Put a file in its place at once."""
        try:
            await anyio.to_thread.run_sync(_write, Path(path), data, mode)
        except OSError as error:
            raise HostError(
                f"{path} on {self.name} cannot be written", host=self.name, why=error.strerror
            ) from error


async def _ended(process: Process, given: bytes) -> Ran:
    out, err = bytearray(), bytearray()

    async def collect(stream: ByteReceiveStream, into: bytearray) -> None:
        async for chunk in stream:
            into.extend(chunk)

    async with anyio.create_task_group() as group:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise AssertionError("all three are pipes")
        group.start_soon(collect, process.stdout, out)
        group.start_soon(collect, process.stderr, err)
        # One that does not want all of it may end well all the same: its exit code tells.
        with contextlib.suppress(anyio.BrokenResourceError, ConnectionError):
            await process.stdin.send(given)
        with contextlib.suppress(ConnectionError):
            await process.stdin.aclose()
    code = await process.wait()
    return Ran(code=code if code >= 0 else 128 - code, stdout=bytes(out), stderr=bytes(err))


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
