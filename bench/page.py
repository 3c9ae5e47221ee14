"""The page of a run: what was promised and what was measured, as Markdown, from the run's JSON."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from bench.contenders import KEELWAY
from bench.goals import Goal, goals, median, reference
from bench.growth import AGAIN, BUILDAH, FIRST
from bench.page_release import figures_of, releases
from bench.tables import (
    MIB,
    mebibytes,
    percent,
    picture,
    prose,
    seconds,
    spread,
    table,
    times,
    value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def page(document: Mapping[str, Any], pictures: Sequence[str], folder: str) -> str:
    """Return the page; the pictures are in a folder beside it."""
    lines = [*_head(document), *_goals(goals(document))]
    if document.get("release"):
        lines += releases(document["release"], _images(pictures, folder))
    if document.get("growth"):
        lines += _growth(document["growth"], _images(pictures, folder))
    if document.get("engine"):
        lines += _engine(document["engine"], _images(pictures, folder))
    failures = [
        text
        for part in ("release", "growth", "engine")
        for text in (document.get(part) or {}).get("failures", ())
    ]
    if failures:
        lines += ["", "## What could not be measured", ""]
        lines += [f"- {text.strip().splitlines()[0][:200]}" for text in failures]
    return "\n".join(lines).rstrip() + "\n"


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    machine, quiet = document["machine"], document["quiet"]
    yield "# How fast it is"
    yield from prose(
        "Made by `make bench`, which measures all of it again in one run; all figures of all "
        "rounds are in [figures.json](bench/figures.json), and [how it is measured]"
        "(../../bench/README.md) says what is compared with what. Figures are medians of the "
        "rounds, with the least and the most; `x` is a share of what the other one took: 0.5x is "
        "half of it."
    )
    if quiet["why"]:
        yield from ("", f"> **These figures are not for publishing**: {quiet['why']}.")
    others = quiet["others"]
    between = (
        f"; between the measurements they took {percent(statistics.median(others))} as a rule, "
        f"{percent(max(others))} at most"
        if others
        else ""
    )
    yield from prose(
        f"**Machine**: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB of memory, {machine['disk']}; {machine['system']}, Linux "
        f"{machine['kernel']}, Python {machine['python']}. At the start its load was "
        f"{machine['load']:g}, and others took {percent(quiet['at_start'])} of the "
        f"processors{between}."
    )
    yield from prose(
        f"**Run**: {document['when']}, {document['repeat']} rounds at most, "
        f"{document['took_s'] / 60:.0f} "
        f"minutes, of commit `{document['commit']}`."
    )


def _goals(found: Sequence[Goal]) -> Iterator[str]:
    if not found:
        return
    missed = [one for one in found if not one.met]
    yield from ("", "## What is promised")
    yield from prose(f"{len(found) - len(missed)} of {len(found)} goals are met.")
    yield from table(
        ("", "measured", "at most", ""),
        (
            (one.says, value(one.measured, one.unit), value(one.limit, one.unit), _verdict(one))
            for one in found
        ),
    )
    if missed:
        yield from ("", "### Why some are missed", "")
        for one in missed:
            yield f"- **{one.says}**: {one.explanation or 'nobody has explained it yet.'}"


def _growth(growth: Mapping[str, Any], pictures: Mapping[str, str]) -> Iterator[str]:
    yield from ("", "## How builds grow")
    yield from prose(
        "`keelway build` of one platform, against `buildah build` of one Dockerfile after another."
    )
    yield from picture(pictures, "growth", "Seconds of builds over their size")
    for kind in growth["kinds"]:
        points = [one for one in growth["points"] if one["kind"] == kind["name"]]
        sizes = dict.fromkeys(one["size"] for one in points)
        yield from table(
            (kind["title"], "", KEELWAY, BUILDAH, "keelway / buildah", "memory", "disk", "rounds"),
            (
                row
                for size in sizes
                for phase, said in ((FIRST, "nothing kept"), (AGAIN, "nothing changed"))
                for row in [_growth_row(growth, kind, size, phase, said)]
                if row
            ),
        )
    yield from prose(
        "Memory is the peak of all processes, disk what the build adds to what is kept: keelway's, "
        "and beside buildah's."
    )


def _growth_row(
    growth: Mapping[str, Any], kind: Mapping[str, Any], size: int, phase: str, said: str
) -> tuple[str, ...] | None:
    taken = {
        one["who"]: one["rounds"]
        for one in growth["points"]
        if (one["kind"], one["size"], one["phase"]) == (kind["name"], size, phase)
    }
    if set(taken) != {KEELWAY, BUILDAH}:
        return None
    ours, theirs = taken[KEELWAY], taken[BUILDAH]

    def beside(what: str) -> str:
        one, other = (statistics.median(figures_of(rounds, what)) for rounds in (ours, theirs))
        against = f" ({one / other:.1f}x)" if other > MIB and one > 0 else ""
        return mebibytes(one) + against

    taken_s = [spread(figures_of(one, "seconds"), seconds) for one in (ours, theirs)]
    share = f"**{times(median(ours) / median(theirs))}**"
    name = f"{size:,} {kind['unit']}".strip()
    return (name, said, *taken_s, share, beside("peak"), beside("disk"), str(len(ours)))


def _engine(engine: Mapping[str, Any], pictures: Mapping[str, str]) -> Iterator[str]:
    rows = engine["rows"]
    beside = any(row["beside"] is not None for row in rows)
    yield from ("", "## The engine")
    yield from prose(
        "Single operations through Dagger's unmodified SDK, as against Dagger's engine, "
        + ("which took part in the run." if beside else "as 0.21.8 was once measured on 2 cores.")
    )
    yield from picture(pictures, "engine", "The engine's operations")
    names = list(rows[0]["engines"]) if rows else []
    yield from table(
        ("", *names, "Dagger's engine", "as against Dagger's", "at most"),
        (_engine_row(row, names) for row in rows),
    )


def _engine_row(row: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    dagger, ours = reference(row), row["engines"][names[0]]["median"]
    unit = row["unit"]

    def show(figure: float) -> str:
        return value(figure, unit)

    cells = [spread(row["engines"][name]["figures"], show) for name in names]
    goal = row["goal"]
    if unit == "x" or not dagger or ours is None:
        share, limit = (show(ours) if unit == "x" and ours else ""), show(goal) if goal else ""
    else:
        share, limit = times(ours / dagger), times(goal / dagger) if goal else ""
    return (row["title"], *cells, show(dagger) if dagger else "", f"**{share}**", limit)


def _images(pictures: Sequence[str], folder: str) -> Mapping[str, str]:
    return {name: f"{folder}/{name}.svg" for name in pictures}


def _verdict(goal: Goal) -> str:
    return "met" if goal.met else "**missed**"
