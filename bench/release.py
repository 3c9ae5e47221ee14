"""The release of examples/orders: with nothing kept, again, on a new machine, after an edit.

Everybody releases the same commits of the same copy to the same registry, by turns, and who begins
changes from round to round. A round's registry holds the bases and nothing else.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bench import machine
from bench.contenders import DAGGER, KEELWAY, SHELL, Contender, dagger_given, remove
from bench.path import critical, idle_during, stages_of, tools_of
from bench.scratch import bases_made, round_of
from bench.watch import Watched, size_on_disk

if TYPE_CHECKING:
    from pathlib import Path

    from bench.path import Stretch
    from bench.scratch import Project

COLD, AGAIN, CARRIED, EDIT = "cold", "again", "carried", "edit"
PHASES: Final = {
    COLD: "nothing kept",
    AGAIN: "nothing changed",
    CARRIED: "a new machine, the cache brought along",
    EDIT: "one line changed",
}
EDITED, LINE = "orders/app.py", "import json\n"
EDITED_LINE = "import json  # of the standard library\n"
GAPS, STEPS = 6, 12


@dataclass(slots=True)
class Releases:
    """All releases of a run."""

    figures: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    """By phase and contender: one a round."""
    paths: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By phase: the critical path of keelway's, one a round."""
    others: list[float] = field(default_factory=list)
    """The share of the processors that others took, looked at before every release."""
    failures: list[str] = field(default_factory=list)


def measure(scratch: Path, repeat: int) -> Releases:
    """Return what all releases took, by turns."""
    bases = bases_made()
    found = Releases()
    dagger = dagger_given()
    given = {KEELWAY: {}, SHELL: {}, **({DAGGER: dagger} if dagger else {})}
    for number in range(repeat):
        folder = scratch / f"round-{number}"
        everybody = [
            Contender(name=name, folder=folder / name, variables=variables)
            for name, variables in given.items()
        ]
        turn = everybody[number % len(everybody) :] + everybody[: number % len(everybody)]
        with round_of(bases, folder, KEELWAY) as project:
            for one in everybody:
                one.folder.mkdir()
                one.forget()
            for phase in PHASES:
                if phase == EDIT:
                    project.replace(EDITED, LINE, EDITED_LINE)
                    project.commit("Say where json is from")
                if phase == CARRIED:
                    for one in (one for one in turn if one.name == KEELWAY):
                        _carry(found, folder, one, project)
                else:
                    turn = [one for one in turn if _take(found, phase, one, project)]
        for one in everybody:
            remove(one.folder)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _carry(found: Releases, folder: Path, old: Contender, project: Project) -> None:
    """Release once more on what is a new machine to keelway, with the cache of the old one.

    Exporting is not in its time, importing is.
    """
    cache = folder / "cache"
    old.export_cache(project, cache)
    new = Contender(
        name=KEELWAY, folder=folder / "new-machine", variables={"KEELWAY_CACHE_FROM": str(cache)}
    )
    new.folder.mkdir()
    _take(found, CARRIED, new, project)
    remove(new.folder)


def _take(found: Releases, phase: str, who: Contender, project: Project) -> bool:
    """Note one release; tells whether it worked, so that what follows makes sense."""
    found.others.append(round(machine.taken_by_others(), 3))
    before = size_on_disk(who.store)
    try:
        watched = who.release(project)
    except RuntimeError as error:
        found.failures.append(f"{who.name}, {PHASES[phase]}: {error}")
        print(found.failures[-1], file=sys.stderr)
        return False
    if who.name == KEELWAY:
        told = (project.report(), watched.began_ns)
        path = _path(watched, tools_of(*told))
        path["stages"] = [
            {
                "name": one.name,
                "began": round(one.began, 3),
                "seconds": round(one.seconds, 3),
                "idle": idle_during(one, watched.timeline),
            }
            for one in stages_of(*told)
        ]
        found.paths.setdefault(phase, []).append(path)
    taken = {**asdict(watched), "disk": size_on_disk(who.store) - before}
    if phase != COLD:
        taken["timeline"] = []  # the page draws that of the longest alone
    print(f"release, {PHASES[phase]}: {who.name} {watched.seconds:.1f} s", file=sys.stderr)
    found.figures.setdefault(phase, {}).setdefault(who.name, []).append(taken)
    return True


def _path(watched: Watched, tools: list[Stretch]) -> dict[str, Any]:
    """Return the critical path of a release as data: its sums, and what is longest on it."""
    path = critical(tools, watched.seconds)
    return {
        "total_s": path.total,
        "tools_s": path.tools_s,
        "overhead": path.overhead,
        "steps": [
            {"name": one.name, "began": round(one.began, 3), "seconds": round(one.seconds, 3)}
            for one in sorted(path.tools, key=lambda one: -one.seconds)[:STEPS]
        ],
        "gaps": [
            {"seconds": round(seconds, 3), "after": after, "before": before}
            for seconds, after, before in path.gaps()[:GAPS]
        ],
        "tools": [
            [one.name[:80], round(one.began, 3), round(one.ended, 3)]
            for one in tools
            if one.seconds > 0.05
        ],
    }
