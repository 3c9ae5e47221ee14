"""The critical path of a run, from the spans that the engine sends: what waited for what.

A span is a tool's when a program of the pipeline ran in it: a RUN step, a scanner, services and
tests, k6, cosign, a pull, a push. The path is walked from the end of the run to its beginning: what
ended last before a moment is taken for what was waited for until then, and its beginning is the
next moment. What no tool covers is keelway's: its start and end, planning, files in and out,
layers, the registry's answers, waiting that is none of a tool's.

    time of the run = tools on the path + keelway's
    overhead        = keelway's / tools on the path
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TOOLS = ("exec ", "from ", "publish ", "pull ", "push ")
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

    def gaps(self) -> list[tuple[float, str]]:
        """Return the stretches that no tool covers, longest first: seconds, and between what."""
        found: list[tuple[float, str]] = []
        before, moment = "the start", 0.0
        for one in self.tools:
            found.append((one.began - moment, f"between {before} and {one.name}"))
            before, moment = one.name, one.ended
        found.append((self.total - moment, f"between {before} and the end"))
        return sorted(found, reverse=True)


def is_tool(name: str) -> bool:
    """Return whether a span of this name is a program's that the pipeline runs.

    >>> is_tool("exec trivy image"), is_tool("copy . /app")
    (True, False)
    """
    return name.startswith(TOOLS)


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
