"""What is promised, and whether it is kept: from the figures of a run, as its JSON has them."""

from __future__ import annotations

import statistics
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.contenders import KEELWAY, SHELL
from bench.release import AGAIN, CARRIED, COLD, EDIT, PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXPLANATIONS = Path(__file__).with_name("explanations.toml")
RATIOS: Final = {COLD: 0.6, AGAIN: 0.1, EDIT: 0.3}
"""A release takes so much of the shell script's time at most."""
CARRIED_RATIO = 0.3
"""A release on a new machine, the cache brought along, takes so much of one with nothing kept."""
IDLE, OVERHEAD = 0.15, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A promise, and what was measured."""

    name: str
    says: str
    measured: float
    limit: float
    unit: str
    """`x` for a ratio, `%` for a share (both as fractions here), else a unit of time."""
    explanation: str = ""
    """Why it is missed, by a profile; from explanations.toml."""

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.measured <= self.limit


def goals(document: Mapping[str, Any]) -> list[Goal]:
    """Return all promises that the figures of a run say something about."""
    return [*_of_releases(document.get("release")), *_of_engine(document.get("engine"))]


def median(rounds: Sequence[Mapping[str, Any]], what: str = "seconds") -> float:
    """Return the middle one of the rounds' figures."""
    return statistics.median(float(one[what]) for one in rounds)


def ratios(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return how much of another's time ours took, a round each: they met the same machine."""
    return [one["seconds"] / two["seconds"] for one, two in zip(ours, theirs, strict=False)]


def explained(name: str) -> str:
    """Return why a goal is missed, if somebody has looked."""
    found = tomllib.loads(EXPLANATIONS.read_text()).get(name, "")
    return " ".join(str(found).split())


def _of_releases(release: Mapping[str, Any] | None) -> Iterator[Goal]:
    if release is None:
        return
    for phase, limit in RATIOS.items():
        taken = release["figures"].get(phase, {})
        if KEELWAY in taken and SHELL in taken:
            yield Goal(
                name=f"release-{phase}",
                says=f"release, {PHASES[phase]}: as against the shell script",
                measured=median(taken[KEELWAY]) / median(taken[SHELL]),
                limit=limit,
                unit="x",
                explanation=explained(f"release-{phase}"),
            )
    cold = release["figures"].get(COLD, {}).get(KEELWAY)
    carried = release["figures"].get(CARRIED, {}).get(KEELWAY)
    if cold and carried:
        yield Goal(
            name=f"release-{CARRIED}",
            says=f"release, {PHASES[CARRIED]}: as against nothing kept",
            measured=median(carried) / median(cold),
            limit=CARRIED_RATIO,
            unit="x",
            explanation=explained(f"release-{CARRIED}"),
        )
    if cold:
        yield Goal(
            name="idle",
            says=f"release, {PHASES[COLD]}: processors idle",
            measured=median(cold, "idle"),
            limit=IDLE,
            unit="%",
            explanation=explained("idle"),
        )
    overheads = [one["overhead"] for one in release["paths"].get(COLD, ()) if one["overhead"]]
    if overheads:
        yield Goal(
            name="overhead",
            says=f"release, {PHASES[COLD]}: keelway over the critical path of its tools",
            measured=statistics.median(overheads),
            limit=OVERHEAD,
            unit="%",
            explanation=explained("overhead"),
        )


def _of_engine(engine: Mapping[str, Any] | None) -> Iterator[Goal]:
    for row in engine["rows"] if engine else ():
        ours = next(iter(row["engines"].values()))
        if row["goal"] is None or ours["median"] is None:
            continue
        dagger = reference(row)
        of_dagger = row["unit"] != "x" and dagger
        yield Goal(
            name=row["name"],
            says=f"engine, {row['title']}" + (": as against Dagger's" if of_dagger else ""),
            measured=ours["median"] / dagger if of_dagger else ours["median"],
            limit=row["goal"] / dagger if of_dagger else row["goal"],
            unit="x" if of_dagger else row["unit"],
            explanation=explained(row["name"]),
        )


def reference(row: Mapping[str, Any]) -> float | None:
    """Return what Dagger's engine took for a row: in the same run, or as it was once measured."""
    beside = row.get("beside")
    if beside is not None:
        return float(beside)
    return sum(row["dagger"]) / 2 if row["dagger"] else None
