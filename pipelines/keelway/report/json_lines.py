"""A run as one JSON object a line: for programs that follow it.

The engine's steps have the events `start`, `log` and `end`, as the engine itself writes them; the
rest has names of its own. Times are ISO 8601, durations are seconds.
"""

from __future__ import annotations

import json
import threading
from typing import IO, TYPE_CHECKING

from keelway.errors import redact
from keelway.model.events import (
    EngineChosen,
    Event,
    ItemEnded,
    ItemStarted,
    Note,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepOutput,
    StepStarted,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class JsonLines:
    """An observer that writes each event as a line."""

    def __init__(self, out: IO[str]) -> None:
        """Write to a stream."""
        self._out = out
        self._lock = threading.Lock()

    def on(self, event: Event) -> None:
        """Write one line."""
        line = json.dumps(_fields(event), separators=(",", ":"))
        with self._lock:
            self._out.write(f"{line}\n")
            self._out.flush()


def _fields(event: Event) -> Mapping[str, object]:  # noqa: PLR0911 - one line a kind of event
    match event:
        case EngineChosen(name=name, reason=reason, version=version):
            return {"event": "engine", "name": name, "reason": reason, "version": version}
        case StageStarted(stage=stage, at=at):
            return {"event": "stage_start", "stage": stage, "at": at.isoformat()}
        case StageSkipped(stage=stage, reason=reason, at=at):
            return {"event": "stage_skip", "stage": stage, "at": at.isoformat(), "reason": reason}
        case StageEnded():
            return _stage_ended(event)
        case Note(stage=stage, text=text):
            return {"event": "note", "stage": stage, "text": text}
        case ItemStarted() | ItemEnded():
            return _item(event)
        case StepStarted() | StepEnded() | StepOutput():
            return _step(event)


def _stage_ended(event: StageEnded) -> Mapping[str, object]:
    return {
        "event": "stage_end",
        "stage": event.stage,
        "at": event.at.isoformat(),
        "seconds": round(event.seconds, 3),
        "status": event.status.value,
        "error": None if event.error is None else redact(str(event.error)),
    }


def _item(event: ItemStarted | ItemEnded) -> Mapping[str, object]:
    told = {"stage": event.stage, "item": event.item}
    if isinstance(event, ItemStarted):
        return {"event": "item_start", **told}
    ended = {"seconds": round(event.seconds, 3), "status": event.status.value}
    return {"event": "item_end", **told, **ended}


def _step(event: StepStarted | StepEnded | StepOutput) -> Mapping[str, object]:
    match event:
        case StepStarted(step=step, name=name):
            return {"event": "start", "id": step, "name": name}
        case StepEnded(step=step, cached=cached, seconds=seconds, error=error):
            told = {"event": "end", "id": step, "cached": cached, "seconds": seconds}
            return {**told, "error": error}
        case StepOutput(step=None, text=text):
            return {"event": "note", "stage": None, "text": text}
        case StepOutput(step=step, stream=stream, text=text):
            return {"event": "log", "id": step, "stream": stream, "text": text}
