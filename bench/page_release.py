"""What the page tells of releases: their times, what they take, and what they wait for."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from bench.contenders import KEELWAY, SHELL, TITLES
from bench.goals import ratios
from bench.plots import short
from bench.release import COLD, PHASES
from bench.tables import mebibytes, percent, picture, prose, seconds, spread, table, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN = 6


def releases(release: Mapping[str, Any], pictures: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines about releases."""
    yield from ("", "## A release")
    yield from prose(
        "`keelway release` of [examples/orders](../../examples/orders/README.md), two platforms, "
        "against [a shell script](../../bench/release.sh) that does the same with buildah, trivy, "
        "syft, k6, skopeo and cosign, one after the other. The script does less: "
        "[what it leaves out](../../bench/README.md#what-the-script-leaves-out)."
    )
    yield from picture(pictures, "release", "Seconds of releases")
    names = [name for name in TITLES if any(name in one for one in release["figures"].values())]
    others = [name for name in names if name != SHELL]
    against = [f"{TITLES[name]} / script" for name in others]
    yield from table(
        ("", *(TITLES[name] for name in names), *against, "rounds"),
        _release_rows(release["figures"], names),
    )
    yield from prose(
        "Memory is resident, of all processes together, at its peak; of keelway's, the command "
        "itself and the engine are shown too, without the tools that they run. Disk is what a "
        "release adds to what is kept: layers, caches."
    )
    yield from _path(release["paths"])
    yield from picture(pictures, "processors", "Processors and tools during a release")


def _release_rows(figures: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    others = [name for name in names if name != SHELL]
    for phase, title in PHASES.items():
        taken = figures.get(phase, {})
        for what, label, show in (
            ("seconds", f"**{title}**", seconds),
            ("cpu_s", f"{title}: seconds of processors", seconds),
            ("peak", f"{title}: memory", mebibytes),
            ("disk", f"{title}: disk", mebibytes),
            ("idle", f"{title}: processors idle", percent),
        ):
            cells = [spread(figures_of(taken.get(name, ()), what), show) for name in names]
            shares = ["" if what == "idle" else _share(taken, name, what) for name in others]
            rounds = max((len(found) for found in taken.values()), default=0)
            yield (label, *cells, *shares, str(rounds))
    for part in ("command", "engine"):
        rounds = figures.get(COLD, {}).get(KEELWAY, ())
        cells = [
            spread([one["peak"][part] for one in rounds], mebibytes) if name == KEELWAY else ""
            for name in names
        ]
        script = figures_of(figures.get(COLD, {}).get(SHELL, ()), "peak")
        own = [one["peak"][part] for one in rounds]
        share = times(statistics.median(own) / statistics.median(script)) if own and script else ""
        yield (
            f"{PHASES[COLD]}: memory of the {part} alone", *cells,
            *(share if name == KEELWAY else "" for name in names if name != SHELL),
            str(len(rounds)),
        )  # fmt: skip


def figures_of(rounds: Sequence[Mapping[str, Any]], what: str) -> list[float]:
    return [one["peak"]["all"] if what == "peak" else one[what] for one in rounds]


def _share(taken: Mapping[str, Any], name: str, what: str) -> str:
    ours, script = figures_of(taken.get(name, ()), what), figures_of(taken.get(SHELL, ()), what)
    if not ours or not script or not statistics.median(script):
        return ""
    told = times(statistics.median(ours) / statistics.median(script))
    if what != "seconds":
        return told
    each = ratios(taken[name], taken[SHELL])
    between = f" ({min(each):.2f}-{max(each):.2f})" if len(each) > 1 else ""
    return f"**{told}**{between}"


def _path(paths: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    shown = {phase: found for phase, found in paths.items() if found}
    if not shown:
        return
    yield from ("", "### What a release waits for")
    yield from prose(
        "The report's timings tell when each tool ran: commands of Dockerfiles, scanners, "
        "services and tests, k6, cosign, pulls, pushes. The critical path is walked from the end: "
        "what ended last before a moment is what was waited for until then. What no tool covers is "
        "keelway's, and its overhead is that share of the tools' time."
    )
    yield from table(
        ("", "whole", "tools on the path", "keelway's overhead"),
        (
            (
                PHASES[phase],
                spread([one["total_s"] for one in found], seconds),
                spread([one["tools_s"] for one in found], seconds),
                spread([one["overhead"] for one in found if one["overhead"]], percent),
            )
            for phase, found in shown.items()
        ),
    )
    first = shown.get(COLD, [None])[0]
    if first is None:
        return
    yield from ("", f"The longest of it in the first round, {PHASES[COLD]}:")
    steps = [
        (one["seconds"], f"`{short(one['name'])}`", one["began"]) for one in first["steps"][:SHOWN]
    ]
    yield from table(
        ("tool", "from", "took", "of the whole"),
        (
            (name, seconds(began), seconds(took), percent(took / first["total_s"]))
            for took, name, began in steps
        ),
    )
    yield from table(
        ("without a tool", "took", "of the whole"),
        (
            (
                _where(one),
                seconds(one["seconds"]),
                percent(one["seconds"] / first["total_s"]),
            )
            for one in first["gaps"]
        ),
    )
    if first.get("stages"):
        yield from prose("And how idle the processors were while its stages worked:")
        yield from table(
            ("stage", "from", "took", "processors idle"),
            (
                (one["name"], seconds(one["began"]), seconds(one["seconds"]), percent(one["idle"]))
                for one in first["stages"]
            ),
        )


def _where(gap: Mapping[str, Any]) -> str:
    """Return between which tools a gap is, in few words."""
    after = f"`{short(gap['after'])}`" if gap["after"] else "the start"
    before = f"`{short(gap['before'])}`" if gap["before"] else "the end"
    return f"{after} to {before}"
