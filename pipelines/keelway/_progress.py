"""What an engine writes on its standard error, turned into events while it is written.

The local engine writes one JSON object a line; any other engine writes lines for people.

Example:
    >>> parse_line('{"event": "start", "id": "7", "name": "exec true", "at": 1.0}')
    StepStarted(step='7', name='exec true')
    >>> parse_line("starting engine")
    StepOutput(step=None, stream='engine', text='starting engine')
"""

from __future__ import annotations

import collections
import io
import json
from typing import TYPE_CHECKING, cast

from keelway.errors import redact
from keelway.model.events import Observer, StepEnded, StepOutput, StepStarted

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT_LINES = 40


def parse_line(line: str) -> StepStarted | StepEnded | StepOutput | None:
    """Return what a line tells; nothing for an empty one or a kind of event that is unknown."""
    text = line.rstrip("\r\n")
    if not text.strip():
        return None
    if text.startswith("{"):
        try:
            event = json.loads(text)
        except ValueError:
            return StepOutput(step=None, stream="engine", text=text)
        return _event(cast("dict[str, object]", event))
    return StepOutput(step=None, stream="engine", text=text)


def _event(event: dict[str, object]) -> StepStarted | StepEnded | StepOutput | None:
    step = str(event.get("id"))
    match event.get("event"):
        case "start":
            return StepStarted(step=step, name=str(event.get("name")))
        case "end":
            error = event.get("error")
            return StepEnded(
                step=step,
                cached=event.get("cached") is True,
                seconds=_number(event.get("seconds")),
                error=None if error is None else str(error),
            )
        case "log":
            stream, text = str(event.get("stream")), str(event.get("text"))
            return StepOutput(step=step, stream=stream, text=text)
        case "note":
            return StepOutput(step=None, stream="engine", text=str(event.get("text")))
        case _:
            return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


class EngineLog(io.TextIOBase):
    """The stream that the SDK copies the engine's standard error to, line by line, in a thread."""

    def __init__(self, observer: Observer) -> None:
        """Tell this observer."""
        super().__init__()
        self._observer = observer
        self._unfinished = ""
        self._said: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)

    def writable(self) -> bool:
        """Return that one may write."""
        return True

    def write(self, text: str, /) -> int:
        """Take some text: whole lines become events, the rest waits."""
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override] # text, as TextIO has it
        """Take the lines as they come; returns when there are no more."""
        for line in lines:
            self.write(line)

    def tail(self) -> str:
        """Return the last lines that were for people."""
        return redact("\n".join([*self._said, self._unfinished]).strip())

    def _take(self, line: str) -> None:
        event = parse_line(line)
        if event is None:
            return
        if isinstance(event, StepOutput) and event.step is None:
            self._said.append(event.text)
        self._observer.on(event)
