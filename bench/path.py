"""The critical path of a release, from its report's timings: what waited for what.

A step is a tool's when a program of the pipeline ran in it: a RUN of a Dockerfile, a scanner,
services and tests, k6, cosign, a pull, a push. The path is walked from the end of the run to its
beginning: what ended last before a moment is taken for what was waited for until then, and its
beginning is the next moment. What no tool covers is keelway's: its start and end, planning, files
in and out, layers, the registry's answers, waiting that is none of a tool's.

    time of the run = tools on the path + keelway's
    overhead        = keelway's / tools on the path
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TOOLS: Final = re.compile(r"exec |image |publish |\S+:\d+: RUN\b")
"""What the engine calls steps in which a program runs; `image` is a pulled base, unpacked."""
LEAST_S = 0.002
"""What is shorter is no tool that was waited for, but a lookup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One tool's run, in seconds since the command began."""

    name: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What a run waited for, first things first."""

    total: float
    """Seconds of the run."""
    tools: tuple[Stretch, ...]

    @property
    def tools_s(self) -> float:
        """Seconds of the path that are the tools'."""
        return sum(one.seconds for one in self.tools)

    @property
    def overhead(self) -> float | None:
        """What keelway adds to its tools, as a share of their time; None where none ran."""
        return (self.total - self.tools_s) / self.tools_s if self.tools else None

    def gaps(self) -> list[tuple[float, str, str]]:
        """Return the stretches that no tool covers, longest first: seconds, after and before what.

        Before the first tool is nothing, and so is after the last: an empty name.
        """
        found: list[tuple[float, str, str]] = []
        before, moment = "", 0.0
        for one in self.tools:
            found.append((one.began - moment, before, one.name))
            before, moment = one.name, one.ended
        found.append((self.total - moment, before, ""))
        return sorted(found, reverse=True)


def is_tool(name: str) -> bool:
    """Return whether a step of this name is a program's that the pipeline runs.

    >>> is_tool("Dockerfile:7: RUN make"), is_tool("Dockerfile:8: COPY . /app")
    (True, False)
    """
    return TOOLS.match(name) is not None


def tools_of(report: Mapping[str, Any], began_ns: int) -> list[Stretch]:
    """Return what the tools did in a release, in seconds since the command began.

    Args:
        report: `report.json`, whose own clock begins a little later.
        began_ns: When the command began, by the clock of the day.
    """
    offset = max(0.0, _seconds(report["started_at"]) - began_ns / 1e9)
    return [
        Stretch(
            name=step["name"],
            began=offset + step["began_s"],
            ended=offset + step["began_s"] + step["seconds"],
        )
        for step in report["timings"]["steps"]
        if is_tool(step["name"]) and not step["cached"]
    ]


def stages_of(report: Mapping[str, Any], began_ns: int) -> list[Stretch]:
    """Return when the stages of a release worked; arguments as of `tools_of`."""
    return [
        Stretch(name=stage["name"], began=began, ended=began + stage["seconds"])
        for stage in report["stages"]
        if stage["started_at"] and stage["seconds"]
        for began in [_seconds(stage["started_at"]) - began_ns / 1e9]
    ]


def idle_during(stretch: Stretch, timeline: Sequence[tuple[float, float]]) -> float:
    """Return how idle the processors were in a stretch, as a share of it.

    >>> stretch = Stretch(name="load", began=1.0, ended=3.0)
    >>> idle_during(stretch, [(1.0, 1.0), (2.0, 0.5), (3.0, 0.1), (4.0, 1.0)])
    0.7
    """
    idle, before = 0.0, 0.0
    for until, busy in timeline:
        inside = min(until, stretch.ended) - max(before, stretch.began)
        idle += max(0.0, inside) * (1 - busy)
        before = until
    return round(idle / stretch.seconds, 3) if stretch.seconds else 0.0


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def critical(stretches: Iterable[Stretch], total: float) -> Path:
    """Return the path through these tools.

    >>> build = Stretch(name="exec make", began=1.0, ended=5.0)
    >>> aside = Stretch(name="exec lint", began=1.0, ended=2.0)
    >>> push = Stretch(name="publish a:1", began=5.5, ended=9.0)
    >>> path = critical([build, aside, push], total=10.0)
    >>> [one.name for one in path.tools], round(path.overhead, 2)
    (['exec make', 'publish a:1'], 0.33)
    """
    left: Sequence[Stretch] = sorted(
        (one for one in stretches if one.seconds >= LEAST_S), key=lambda one: one.ended
    )
    path: list[Stretch] = []
    moment = total
    for one in reversed(left):
        if one.ended <= moment:
            path.append(one)
            moment = one.began
    return Path(total=total, tools=tuple(reversed(path)))
