"""What was measured, as a table for people and as JSON for machines."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.engines import Engine
    from bench.rows import Row

TITLE, CELL, GOAL = 52, 26, 20


@dataclass(slots=True)
class Figures:
    """All that was measured in a run."""

    engines: Sequence[Engine]
    rows: Sequence[Row]
    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """By engine and row, in the row's unit."""
    calibration: list[float] = field(default_factory=list)
    cpu: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """By engine and work: seconds of processors, of engines that are this machine's own."""
    failures: list[str] = field(default_factory=list)

    def of(self, engine: Engine, row: Row) -> list[float]:
        """Return what an engine took for a row, one figure a round."""
        return self.values.get((engine.name, row.name), [])

    def median(self, engine: Engine, row: Row) -> float | None:
        """Return the middle one, if there are any."""
        found = self.of(engine, row)
        return statistics.median(found) if found else None

    def met(self, engine: Engine, row: Row) -> bool | None:
        """Say whether a promise is kept; None where there is none, or no figure."""
        goal, median = self.goal(row), self.median(engine, row)
        return None if goal is None or median is None or engine.is_dagger else median <= goal

    def reference(self, row: Row) -> float | None:
        """Return what Dagger's engine took, if it took part."""
        dagger = next((one for one in self.engines if one.is_dagger), None)
        return None if dagger is None else self.median(dagger, row)

    def goal(self, row: Row) -> float | None:
        """Return what is promised for a row, by Dagger's engine if it took part."""
        return row.goal(self.reference(row))

    def full_title(self, row: Row) -> str:
        """Return a row's title with that of the row that it is indented below."""
        above = [one.title for one in self.rows[: self.rows.index(row)] if one.title[0] != " "]
        return f"{above[-1]}, {row.title.strip()}" if row.title[0] == " " else row.title

    def shown(self) -> Iterable[Row]:
        """Return the rows that there is a figure for."""
        return [row for row in self.rows if any(self.of(one, row) for one in self.engines)]


def table(figures: Figures) -> Iterator[str]:
    """Yield the lines of a table: a row a line, engines side by side, each as against the first."""
    engines = figures.engines
    heads = "".join(f"{one.name:>{CELL}}" for one in engines)
    yield f"{'median (least-most)':<{TITLE}}{'goal':>{GOAL}}{heads}"
    for row in figures.shown():
        cells = "".join(_cell(figures, engine, row) for engine in engines)
        yield f"{row.title:<{TITLE}}{_goal(figures, row):>{GOAL}}{cells}".rstrip()
    yield ""
    yield "+ goal met, - goal not met, (n.nx) as against the first engine"
    if not any(one.is_dagger for one in engines):
        yield "goals: shares of what Dagger's engine 0.21.8 took on 2 cores, another time"
    usual, worst = statistics.median(figures.calibration), max(figures.calibration)
    best = min(figures.calibration)
    yield (
        f"a fixed piece of work took {best * 1000:.0f} ms at least, {usual / best:.1f} times that "
        f"as a rule, {worst / best:.1f} times at most: whatever is over 1 was taken by others"
    )
    yield from _processors(figures)
    yield from figures.failures


def _processors(figures: Figures) -> Iterator[str]:
    """Yield what engines took of the processors, which others change less than the time."""
    works = dict.fromkeys(work for _, work in figures.cpu)
    for work in works:
        cells = ""
        for engine in figures.engines:
            found = figures.cpu.get((engine.name, work))
            cells += f"{_number(min(found)) + '  ' if found else '.':>{CELL}}"
        title = f"processor seconds, least: {work}"
        yield f"{title:<{TITLE + GOAL}}{cells}"


def _goal(figures: Figures, row: Row) -> str:
    goal = figures.goal(row)
    if goal is None:
        return ""
    share = "" if row.share is None else f" ({row.share:g} x Dagger)"
    return f"{_number(goal)} {row.unit}{share}"


def _cell(figures: Figures, engine: Engine, row: Row) -> str:
    found = figures.of(engine, row)
    if not found:
        return f"{'.':>{CELL}}"
    median = statistics.median(found)
    spread = f" ({_number(min(found))}-{_number(max(found))})" if len(found) > 1 else ""
    first = figures.median(figures.engines[0], row)
    beside = engine is not figures.engines[0] and first
    against = f" ({median / first:.1f}x)" if beside and first else ""
    mark = {True: " +", False: " -", None: "  "}[figures.met(engine, row)]
    return f"{_number(median) + spread + against + mark:>{CELL}}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def as_json(figures: Figures) -> dict[str, object]:
    """Return all of it: every figure of every round."""
    return {
        "calibration_s": [round(one, 5) for one in figures.calibration],
        "rows": [
            {
                "name": row.name,
                "title": figures.full_title(row),
                "unit": row.unit,
                "goal": figures.goal(row),
                "dagger": row.dagger,
                "beside": figures.reference(row),
                "engines": {
                    engine.name: {
                        "figures": [round(one, 5) for one in figures.of(engine, row)],
                        "median": figures.median(engine, row),
                        "met": figures.met(engine, row),
                    }
                    for engine in figures.engines
                },
            }
            for row in figures.shown()
        ],
        "cpu_s": [
            {"engine": engine, "work": work, "figures": [round(one, 3) for one in found]}
            for (engine, work), found in figures.cpu.items()
        ],
        "failures": figures.failures,
    }
