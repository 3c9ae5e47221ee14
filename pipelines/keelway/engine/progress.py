"""What the engine is doing, told on standard error while it does it.

    progress = Progress.on(sys.stderr, "plain")
    step = progress.start("exec make test")
    progress.log(step, "stdout", b"...")
    progress.end(step, cached=False, error=None)

Three forms: `plain` for people, `json` (one object a line) for programs, `none`. Text that reaches
this module must be free of secrets already. Thread-safe; a reader that went away is no error.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Literal, Protocol, TextIO, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

Form: TypeAlias = Literal["plain", "json", "none"]
Event: TypeAlias = "Mapping[str, object]"


class Writer(Protocol):
    """Where events go; called under one lock, in order."""

    def __call__(self, event: Event, /) -> None:
        """Write one event."""


class Progress:
    """Names steps and gives their events to one writer."""

    def __init__(self, writer: Writer | None) -> None:
        """Make a progress that tells `writer`; None keeps silent."""
        self._writer = writer
        self._lock = threading.Lock()
        self._steps = itertools.count(1)
        self._begun: dict[str, float] = {}
        self._holders = 0
        self._waiting: list[Event] = []

    @classmethod
    def on(cls, out: TextIO, form: str) -> Progress:
        """Return a progress that writes to a stream.

        Raises:
            ValueError: the form is none of those known.
        """
        if form not in get_args(Form):
            raise ValueError(
                f"unknown progress form {form!r}; choose one of {', '.join(get_args(Form))}"
            )
        if form == "none":
            return cls(None)
        return cls(_JsonLines(out) if form == "json" else _PlainLines(out))

    def start(self, name: str) -> str:
        """Tell that a step begins; return what the other calls name it by."""
        step = str(next(self._steps))
        self._begun[step] = time.monotonic()
        self._emit({"event": "start", "id": step, "name": name, "at": round(time.time(), 3)})
        return step

    def log(self, op: str, stream: str, data: bytes) -> None:
        """Tell what a command of a step wrote."""
        if data:
            text = data.decode("utf-8", "replace")
            self._emit({"event": "log", "id": op, "stream": stream, "text": text})

    def end(self, op: str, *, cached: bool, error: str | None) -> None:
        """Tell that a step is over; only the first call for a step counts."""
        begun = self._begun.pop(op, None)
        if begun is not None:
            seconds = round(time.monotonic() - begun, 3)
            self._emit(
                {"event": "end", "id": op, "cached": cached, "seconds": seconds, "error": error}
            )

    def cached(self, name: str) -> None:
        """Tell of a step whose result was there already."""
        self.end(self.start(name), cached=True, error=None)

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Tell nothing within the block, and after it what there was to tell."""
        with self._lock:
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    waiting, self._waiting = self._waiting, []
                    for event in waiting:
                        self._write(event)

    def _emit(self, event: Event) -> None:
        """Give one event to the writer, now or when nobody holds it back any more."""
        with self._lock:
            if self._holders:
                self._waiting.append(event)
            else:
                self._write(event)

    def _write(self, event: Event) -> None:
        """Give one event to the writer, dropping it when nobody reads any more."""
        if self._writer is None:
            return
        try:
            self._writer(event)
        except (OSError, ValueError):  # the reader closed its end
            self._writer = None


class _JsonLines:
    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        self._out.write(json.dumps(event, separators=(",", ":")) + "\n")
        self._out.flush()


class _PlainLines:
    """The form that container builders made known: `#3 name`, `#3 output`, `#3 DONE 0.4s`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._rest: dict[tuple[object, object], str] = {}

    def __call__(self, event: Event) -> None:
        number = event["id"]
        lines = self._lines(event)
        if lines:
            self._out.write("".join(f"#{number} {line}\n" for line in lines))
            self._out.flush()

    def _lines(self, event: Event) -> list[str]:
        if event["event"] == "start":
            return [str(event["name"])]
        if event["event"] == "log":
            return self._whole_lines(event)
        unfinished = [self._rest.pop((event["id"], name), "") for name in ("stdout", "stderr")]
        return [*filter(None, unfinished), _ending(event)]

    def _whole_lines(self, event: Event) -> list[str]:
        key = (event["id"], event["stream"])
        *lines, rest = (self._rest.pop(key, "") + str(event["text"])).split("\n")
        if rest:
            self._rest[key] = rest
        return lines


def _ending(event: Event) -> str:
    if event["error"] is not None:
        return f"ERROR {event['seconds']}s: {event['error']}"
    return "CACHED" if event["cached"] else f"DONE {event['seconds']}s"
