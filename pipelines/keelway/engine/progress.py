"""What the engine is doing, told on standard error while it does it.

    progress = Progress.on(sys.stderr, "plain")
    step = progress.start("exec make test")
    progress.log(step, "stdout", b"...")
    progress.end(step, cached=False, error=None)

Forms: `plain` lines for people, `tty` for people who watch a terminal (a live view), `json` (one
object a line) for programs, `none`; `auto` is `tty` where there is a terminal, else `plain`. With
OpenTelemetry's variables in the environment each step is a span as well. Text that reaches this
module must be free of secrets already. Thread-safe; a reader that went away is no error.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol, TextIO, TypeAlias, cast

from keelway.engine.forms import FORMS
from keelway.engine.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

Event: TypeAlias = "Mapping[str, object]"


def resolved(form: str, out: TextIO, environment: Mapping[str, str]) -> str:
    """Return the form to use on a stream: a live view needs a terminal that can move its cursor.

    Raises:
        ValueError: the form is none of those known.
    """
    if form not in FORMS:
        raise ValueError(f"unknown progress form {form!r}; choose one of {', '.join(FORMS)}")
    if form not in {"auto", "tty"}:
        return form
    is_able = out.isatty() and environment.get("TERM", "dumb") not in {"", "dumb"}
    # A CI may lend its jobs a terminal, but keeps what they write as a file.
    is_watched = form == "tty" or environment.get("CI", "") in {"", "false", "0"}
    return "tty" if is_able and is_watched else "plain"


class Writer(Protocol):
    """Where events go; called under one lock, in order."""

    def __call__(self, event: Event, /) -> None:
        """Write one event."""


class Live(Protocol):
    """A view on a terminal, which others may need for a while."""

    def hold(self) -> None:
        """Take the view away until `release`."""

    def release(self) -> None:
        """Show it again."""

    def close(self) -> None:
        """Leave the last picture."""


class Progress:
    """Names steps and gives their events to one writer."""

    def __init__(
        self,
        writer: Writer | None,
        *,
        live: Live | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Make a progress that tells `writer`; None keeps silent.

        Args:
            writer: Who is told.
            live: The live view, if the writer is one; None for those that write lines.
            environment: Variables that may ask for spans.
        """
        self._writer = writer
        self._live = live
        self._stderr: TextIO | None = None
        self._tracing = Tracing.of(environment or {}, self.note)
        self._lock = threading.Lock()
        self._steps = itertools.count(1)
        self._begun: dict[str, float] = {}
        self._holders = 0
        self._waiting: list[Event] = []

    @classmethod
    def on(cls, out: TextIO, form: str, environment: Mapping[str, str] | None = None) -> Progress:
        """Return a progress that writes to a stream, and sends spans if the environment says so.

        Raises:
            ValueError: the form is none of those known.
        """
        environment = os.environ if environment is None else environment
        match resolved(form, out, environment):
            case "none":
                return cls(None, environment=environment)
            case "json":
                return cls(_JsonLines(out), environment=environment)
            case "tty":
                from keelway.engine.live.screen import Screen  # noqa: PLC0415 - for this form only

                screen = Screen(out, environment)
                return cls(screen, live=screen, environment=environment)
            case _:
                return cls(_PlainLines(out), environment=environment)

    def start(self, name: str, digest: str = "", inputs: Sequence[str] = ()) -> str:
        """Tell that a step begins; return what the other calls name it by.

        Args:
            name: What a person recognises it by.
            digest: The digest of its node, where it has one.
            inputs: The digests of the nodes that it works on.
        """
        step = str(next(self._steps))
        self._begun[step] = time.monotonic()
        if self._tracing is not None:
            self._tracing.start(step, name, digest, inputs)
        self._emit({"event": "start", "id": step, "name": name, "at": round(time.time(), 3)})
        return step

    def log(self, op: str, stream: str, data: bytes) -> None:
        """Tell what a command of a step wrote."""
        if data:
            if self._tracing is not None:
                self._tracing.log(op, stream, data)
            text = data.decode("utf-8", "replace")
            self._emit({"event": "log", "id": op, "stream": stream, "text": text})

    def end(self, op: str, *, cached: bool, error: str | None) -> None:
        """Tell that a step is over; only the first call for a step counts."""
        begun = self._begun.pop(op, None)
        if begun is not None:
            seconds = round(time.monotonic() - begun, 3)
            if self._tracing is not None:
                self._tracing.end(op, cached=cached, error=error)
            self._emit(
                {"event": "end", "id": op, "cached": cached, "seconds": seconds, "error": error}
            )

    def cached(self, name: str, digest: str = "", inputs: Sequence[str] = ()) -> None:
        """Tell of a step whose result was there already."""
        self.end(self.start(name, digest, inputs), cached=True, error=None)

    def note(self, text: str) -> None:
        """Tell something that belongs to no step."""
        self._emit({"event": "note", "text": text.rstrip("\n")})

    def origin(self, op: str) -> str:
        """Return where the span of a step that runs is, as `TRACE-SPAN`; empty without tracing."""
        return "" if self._tracing is None else self._tracing.origin(op)

    def guard_stderr(self) -> None:
        """Pass what others write to standard error through a live view, which it would break."""
        if self._live is not None:
            self._stderr, sys.stderr = sys.stderr, cast("TextIO", _Notes(self.note))

    def close(self) -> None:
        """Tell no more; spans that are not sent yet get a bounded time."""
        if self._tracing is not None:
            self._tracing.close()
        if self._live is not None:
            self._live.close()
        if self._stderr is not None:
            sys.stderr = self._stderr

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Tell nothing within the block, and after it what there was to tell."""
        with self._lock:
            self._holders += 1
            if self._live is not None:
                self._live.hold()
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    if self._live is not None:
                        self._live.release()
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


class _Notes(io.TextIOBase):
    """Text that was meant for standard error, line by line."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._unfinished = ""
        self._lock = threading.Lock()

    def write(self, text: str, /) -> int:
        """Take some text: whole lines become notes, the rest waits."""
        with self._lock:
            *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._note(line)
        return len(text)


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
        lines = self._lines(event)
        if lines:
            begin = "" if event["event"] == "note" else f"#{event['id']} "
            self._out.write("".join(f"{begin}{line}\n" for line in lines))
            self._out.flush()

    def _lines(self, event: Event) -> list[str]:
        if event["event"] == "note":
            return str(event["text"]).splitlines()
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
