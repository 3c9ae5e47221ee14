"""What the live view shows: events in, lines out. Nothing here knows a terminal or a clock.

Steps that are over leave the view as lines that stay; those at work are drawn again and again:

    ✔ image sha256:1f3e46cd 1.2s
    ✔ CACHED copy . to /src
    ⠋ exec make test 12.3s
      │ tests/unit/test_parse.py ....
    2 steps done, 1 cached, 1 running, 14s
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from keelway.engine.live.cells import clean, cut, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN_OUTPUT: Final = 4
"""Lines of output below a step at work, where the screen has room for them."""
_KEPT_OUTPUT: Final = 10
"""Lines of output that stay with a step that failed."""
_LONGEST_LINE: Final = 4096
"""Characters of one line that are kept: a program may never end its line."""
_SMALLEST: Final = 2
"""Rows of a screen that has room for a step and the summary."""
_MINUTE_S: Final = 60
_SPIN_S: Final = 0.1


class Marks(NamedTuple):
    """The signs in front of lines."""

    done: str
    failed: str
    output: str
    more: str
    spinner: str


UNICODE: Final = Marks(done="✔", failed="✘", output="│", more="…", spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
ASCII: Final = Marks(done="*", failed="x", output="|", more="...", spinner="-\\|/")


class Paint(NamedTuple):
    """How parts of a line are coloured: the escape that begins each, empty for none."""

    done: str = ""
    cached: str = ""
    failed: str = ""
    running: str = ""
    faint: str = ""
    end: str = ""


COLOURS: Final = Paint(
    done="\x1b[32m",
    cached="\x1b[34m",
    failed="\x1b[31m",
    running="\x1b[36m",
    faint="\x1b[2m",
    end="\x1b[0m",
)
PLAIN: Final = Paint()


class Line(NamedTuple):
    """A line in two parts: the first is coloured, the text follows, the last is never cut."""

    mark: str
    text: str = ""
    tail: str = ""
    colour: str = ""
    faint: bool = False

    def drawn(self, width: int, paint: Paint, more: str) -> str:
        """Return the line for a screen of so many cells, with its colours."""
        mark = cut(self.mark, width, mark=more)
        room = width - width_of(mark)
        tail = f" {self.tail}" if self.tail and width_of(self.tail) + 1 < room else ""
        text = cut(self.text, room - width_of(tail), mark=more)
        begin = f"{self.colour}{mark}{paint.end}" if self.colour else mark
        rest = f"{text}{tail}"
        return f"{begin}{paint.faint}{rest}{paint.end}" if self.faint and rest else begin + rest


class _Running:
    """A step at work."""

    def __init__(self, name: str, since: float) -> None:
        self.name = clean(name)
        self.since = since
        self._lines: deque[str] = deque(maxlen=_KEPT_OUTPUT)
        self._unfinished: dict[str, str] = {}

    def take(self, stream: str, text: str) -> None:
        """Keep the last lines of what it writes."""
        *lines, rest = (self._unfinished.pop(stream, "") + text).split("\n")
        self._lines.extend(filter(None, map(clean, lines)))
        if rest:
            self._unfinished[stream] = rest[-_LONGEST_LINE:]

    def tail(self, most: int) -> list[str]:
        """Return its last lines, those that are not ended yet too."""
        lines = [*self._lines, *filter(None, map(clean, self._unfinished.values()))]
        return lines[-most:] if most else []


class Board:
    """The steps of a session."""

    def __init__(self, *, marks: Marks, paint: Paint, now: float) -> None:
        """Begin at this time with nothing, in these signs and colours."""
        self._marks = marks
        self._paint = paint
        self._begun = now
        self._running: dict[object, _Running] = {}
        self._done = self._cached = self._failed = 0

    def take(self, event: Mapping[str, object], now: float) -> list[Line]:
        """Remember an event, and return the lines that are to stay for it."""
        step = event.get("id")
        match event["event"]:
            case "start":
                self._running[step] = _Running(str(event["name"]), now)
            case "log" if step in self._running:
                self._running[step].take(str(event["stream"]), str(event["text"]))
            case "end" if step in self._running:
                return self._end(self._running.pop(step), event)
            case "note":
                return [Line("", clean(line)) for line in str(event["text"]).splitlines()]
            case _:
                pass
        return []

    def _end(self, step: _Running, event: Mapping[str, object]) -> list[Line]:
        marks, paint = self._marks, self._paint
        if event["error"] is not None:
            self._failed += 1
            return list(self._failure(step, event))
        if event["cached"]:
            self._cached += 1
            return [Line(f"{marks.done} CACHED ", step.name, colour=paint.cached)]
        self._done += 1
        took = _seconds(event["seconds"])
        return [Line(f"{marks.done} ", step.name, took, colour=paint.done)]

    def _failure(self, step: _Running, event: Mapping[str, object]) -> Iterator[Line]:
        marks, paint = self._marks, self._paint
        yield Line(f"{marks.failed} ", step.name, _seconds(event["seconds"]), colour=paint.failed)
        for line in step.tail(_KEPT_OUTPUT):
            yield Line(f"  {marks.output} ", line, colour=paint.failed)
        for line in str(event["error"]).splitlines():
            yield Line(f"  {clean(line)}", colour=paint.failed)

    def lines(self, height: int, now: float) -> list[Line]:
        """Return the view for a screen with so many rows: at most so many lines."""
        if height < _SMALLEST:
            return [self.summary(now)][: max(height, 0)]
        steps = list(self._running.values())
        room = height - 1
        if len(steps) > room:
            hidden = len(steps) - (room - 1)
            shown = [self._at_work(step, now) for step in steps[: room - 1]]
            return [*shown, Line(f"  and {hidden} more"), self.summary(now)]
        return [*self._with_output(steps, room, now), self.summary(now)]

    def _with_output(self, steps: list[_Running], room: int, now: float) -> Iterator[Line]:
        """Yield the steps, each with as many lines of output as there are rows for."""
        spare = room - len(steps)
        for number, step in enumerate(steps):
            yield self._at_work(step, now)
            output = step.tail(min(_SHOWN_OUTPUT, spare // (len(steps) - number)))
            spare -= len(output)
            for line in output:
                yield Line(f"  {self._marks.output} ", line, faint=True)

    def _at_work(self, step: _Running, now: float) -> Line:
        spinner = self._marks.spinner
        sign = spinner[int(now / _SPIN_S) % len(spinner)]
        return Line(f"{sign} ", step.name, _seconds(now - step.since), colour=self._paint.running)

    def summary(self, now: float) -> Line:
        """Return the line that counts."""
        counts = [
            f"{self._done} {'step' if self._done == 1 else 'steps'} done",
            f"{self._cached} cached",
        ]
        if self._failed:
            counts.append(f"{self._failed} failed")
        if self._running:
            counts.append(f"{len(self._running)} running")
        counts.append(_whole_seconds(now - self._begun))
        colour = self._paint.failed if self._failed else self._paint.running
        return Line(", ".join(counts), colour=colour)


def _seconds(value: object) -> str:
    seconds = value if isinstance(value, float | int) else 0.0
    return f"{seconds:.1f}s" if seconds < _MINUTE_S else _whole_seconds(seconds)


def _whole_seconds(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), _MINUTE_S)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
