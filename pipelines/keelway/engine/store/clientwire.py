"""The wire between a session and a client on another machine, whose files are asked for.

One question at a time: the engine asks, and may give data along; the client answers with data, and
says at the end how it went. Each frame has a kind, a length, and so many bytes. Frames of a client
that has nothing to say tell that it is alive.
"""

from __future__ import annotations

import io
import json
import os
import queue
import select
import struct
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from typing_extensions import Buffer

QUESTION, DATA, END, BROKEN, ALIVE = b"Q", b"D", b"E", b"X", b"P"
SIGN_OF_LIFE_S = 15.0
_DEAD_AFTER_S = 120.0
_HEAD = struct.Struct(">cI")
_CHUNK = 1 << 18
GONE = "the client of the session is gone"
_AHEAD = 16
"""Frames that are read before somebody asks for them."""


def send(stream: IO[bytes], kind: bytes, data: bytes = b"") -> None:
    """Write one frame.

    Raises:
        OSError: The other end is gone.
    """
    stream.write(_HEAD.pack(kind, len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes] | io.RawIOBase) -> tuple[bytes, bytes] | None:
    """Read one frame; nothing at the end of the stream."""
    head = stream.read(_HEAD.size)
    if head is None or len(head) < _HEAD.size:
        return None
    kind, length = _HEAD.unpack(head)
    data = stream.read(length)
    return (kind, data) if data is not None and len(data) == length else None


class Sending(io.RawIOBase):
    """A file whose contents become frames of data."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Write to a stream."""
        self._stream = stream

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Send it as one frame."""
        sent = bytes(data)
        if sent:
            send(self._stream, DATA, sent)
        return len(sent)


class Receiving(io.RawIOBase):
    """A file whose contents are frames of data, up to another frame, which is kept."""

    def __init__(self, take: Callable[[], tuple[bytes, bytes] | None]) -> None:
        """Take frames from where they come."""
        self._take = take
        self._rest = b""
        self.last: tuple[bytes, bytes] | None = None
        """The frame that came behind the data."""
        self.ended = False

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, into: Buffer, /) -> int:
        """Fill what is given with what there is; 0 at the end of the data."""
        view = memoryview(into).cast("B")
        if not self._rest and not self.ended:
            frame = self._take()
            if frame is not None and frame[0] == DATA:
                self._rest = frame[1]
            else:
                self.last, self.ended = frame, True
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def drain(self) -> None:
        """Go on to the end of the data."""
        self._rest = b""
        while not self.ended:
            frame = self._take()
            if frame is None or frame[0] != DATA:
                self.last, self.ended = frame, True


@contextmanager
def giving(stream: IO[bytes]) -> Generator[IO[bytes]]:
    """Give a file whose contents are sent, and say at the end whether that was all."""
    buffered = io.BufferedWriter(Sending(stream), _CHUNK)
    try:
        yield buffered
        buffered.flush()
    except BaseException:
        send(stream, BROKEN)
        raise
    send(stream, END)


class Answer:
    """What a client answers."""

    def __init__(self, received: Receiving) -> None:
        """Read what comes."""
        self._received = received
        self.data: IO[bytes] = io.BufferedReader(received, _CHUNK)

    def exactly(self, count: int) -> Generator[bytes]:
        """Yield so many bytes of the data, in parts.

        Raises:
            EOFError: There are fewer.
        """
        while count:
            part = self.data.read(min(count, _CHUNK))
            if not part:
                raise EOFError("the client sent too little")
            count -= len(part)
            yield part

    def value(self) -> Any:
        """Return what the client said at the end; what it sent before is passed over.

        Raises:
            EngineError: It could not do what it was asked, or is gone.
        """
        self._received.drain()
        if self._received.last is None:
            raise EngineError(GONE)
        said = json.loads(self._received.last[1])
        if said.get("error") is not None:
            raise EngineError(said["error"])
        return said.get("value")


class ClientWire:
    """The engine's end; threads may share it."""

    def __init__(self, reading: int, writing: int) -> None:
        """Speak by two descriptors; nothing is read before `start`."""
        self._reading = reading
        self._out = os.fdopen(writing, "wb")
        self._frames: queue.Queue[tuple[bytes, bytes] | None] = queue.Queue(_AHEAD)
        self._lock = threading.Lock()
        self._gone = False

    def start(self, on_end: Callable[[], None]) -> None:
        """Begin to listen; `on_end` is called when the client has gone."""
        threading.Thread(target=self._listen, args=(on_end,), daemon=True).start()

    @contextmanager
    def ask(
        self, *words: object, give: Callable[[IO[bytes]], None] | None = None
    ) -> Generator[Answer]:
        """Ask the client, and give what it answers; what it failed at is raised at the end.

        Args:
            words: The job, and what it is about; JSON.
            give: Writes what goes along.

        Raises:
            EngineError: The client could not do it, or is gone.
        """
        with self._lock:
            received = Receiving(self._take)
            answer = Answer(received)
            try:
                send(self._out, QUESTION, json.dumps(words).encode())
                if give is not None:
                    with giving(self._out) as stream:
                        give(stream)
                yield answer
            except EOFError:
                answer.value()
                raise
            except (BrokenPipeError, ConnectionError) as error:
                raise EngineError(GONE) from error
            finally:
                received.drain()
            answer.value()

    def _take(self) -> tuple[bytes, bytes] | None:
        if self._gone:
            return None
        frame = self._frames.get()
        if frame is None:
            self._gone = True
        return frame

    def _listen(self, on_end: Callable[[], None]) -> None:
        stream = _Alive(self._reading)
        while (frame := receive(stream)) is not None:
            if frame[0] != ALIVE:
                self._frames.put(frame)
        on_end()
        self._frames.put(None)


class _Alive(io.RawIOBase):
    """What comes by a descriptor, until its end or a long silence."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def read(self, count: int = -1, /) -> bytes:
        """Return so many bytes, fewer at the end."""
        parts: list[bytes] = []
        while count > 0 and self._poll.poll(_DEAD_AFTER_S * 1000):
            part = os.read(self._descriptor, count)
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
