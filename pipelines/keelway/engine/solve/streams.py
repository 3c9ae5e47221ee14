"""What a command writes, kept while it runs."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast

from keelway.engine.solve.scrub import Scrubber

if TYPE_CHECKING:
    from keelway.engine.solve.step import Step

IN_MEMORY = 1 << 20
"""Bytes of one stream that are held in memory while a command runs."""
LONGEST_IN_ERROR = 100 << 10
"""Bytes of each stream that an error carries, the note of what is left out included."""


def _spool() -> tempfile.SpooledTemporaryFile[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)


@dataclass(slots=True)
class Output:
    """One stream of a command, scrubbed as it comes, spilled to a file when it is long."""

    scrubber: Scrubber
    limit: int | None = None
    """Keep no more than about the last so many bytes: a service talks for as long as it runs."""
    file: BinaryIO = field(default_factory=lambda: cast("BinaryIO", _spool()))
    size: int = 0
    """Bytes that came, all of them."""
    copy: int | None = None
    """The descriptor of a file of the command's own that gets them too, as they come."""
    copy_error: OSError | None = None
    """Why that file did not get all of them."""

    def keep(self, clean: bytes) -> None:
        """Append bytes that may be seen."""
        if self.limit is not None and self.file.tell() > 4 * self.limit:
            last = self.tail(self.limit)
            self.file.seek(0)
            self.file.truncate()
            self.file.write(last)
        self.file.write(clean)
        self.size += len(clean)
        if self.copy is not None and self.copy_error is None:
            try:
                _write_all(self.copy, clean)
            except OSError as error:
                self.copy_error = error

    def tail(self, most: int) -> bytes:
        """Return the last bytes."""
        self.file.seek(0, os.SEEK_END)
        self.file.seek(max(0, self.file.tell() - most))
        return self.file.read()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Streams:
    """What a command writes: both streams, and both as they came."""

    def __init__(self, step: Step, secrets: list[bytes], *, limit: int | None = None) -> None:
        """Scrub these secrets; progress gets what is left, and `limit` bounds what is kept."""
        self.stdout = Output(Scrubber(secrets), limit)
        self.stderr = Output(Scrubber(secrets), limit)
        self.combined = Output(Scrubber(()), limit)
        self._step = step
        self._lock = threading.Lock()

    def on_stdout(self, data: bytes) -> None:
        """Take what came on standard output."""
        self._take(self.stdout, "stdout", self.stdout.scrubber.feed(data))

    def on_stderr(self, data: bytes) -> None:
        """Take what came on standard error."""
        self._take(self.stderr, "stderr", self.stderr.scrubber.feed(data))

    def end(self) -> None:
        """Take what the scrubbers still held."""
        self._take(self.stdout, "stdout", self.stdout.scrubber.end())
        self._take(self.stderr, "stderr", self.stderr.scrubber.end())

    def _take(self, output: Output, name: str, clean: bytes) -> None:
        if not clean:
            return
        with self._lock:
            output.keep(clean)
            self.combined.keep(clean)
        self._step.machine.progress.log(self._step.op_id, name, clean)


def for_error(output: Output) -> str:
    """Return the end of a stream as an error carries it, white space and all."""
    text = output.tail(LONGEST_IN_ERROR)
    if output.size > LONGEST_IN_ERROR:
        note = f"[omitting {output.size - LONGEST_IN_ERROR} bytes]..."
        text = note.encode() + text[len(note) :]
    return text.decode("utf-8", "replace")
