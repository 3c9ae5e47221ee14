"""The pictures of the page, as SVG, from the figures of a run as its JSON has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench.contenders import DAGGER, KEELWAY, SHELL, TITLES
from bench.goals import median, reference
from bench.growth import AGAIN, BUILDAH, FIRST
from bench.release import COLD, PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

COLOURS: Final = {
    KEELWAY: "#0b6e99", SHELL: "#c2703d", DAGGER: "#5b4b8a", BUILDAH: "#c2703d",
    "goal": "#444444", "aside": "#b9c4ca", "path": "#0b6e99", "missed": "#b3261e", "met": "#2e7d4f",
}  # fmt: skip
STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none", "svg.hashsalt": "keelway", "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"], "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "axes.titlesize": 11, "axes.edgecolor": "#888888", "legend.frameon": False,
}  # fmt: skip
WIDTH, LONGEST = 9.0, 40
OWN: Final = {
    "board=": "services and what tests them",
    "for service in": "logs and results of services",
    "/proc/uptime": "is the tests' shell there?",
}
"""keelway's own scripts around tests, by what is in them."""
SAID: Final = {FIRST: "nothing kept", AGAIN: "nothing changed"}


def draw(document: Mapping[str, Any], folder: Path) -> list[str]:
    """Write a picture for each part that was measured, and return the files' names."""
    made: dict[str, Figure] = {}
    with mpl.rc_context(STYLE):
        release = document.get("release")
        if release and release["figures"]:
            made["release"] = _releases(release["figures"])
            made["processors"] = _processors(release)
        if document.get("growth") and document["growth"]["points"]:
            made["growth"] = _growth(document["growth"])
        if document.get("engine") and document["engine"]["rows"]:
            made["engine"] = _engine(document["engine"]["rows"])
        for name, figure in made.items():
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor="white")
    return list(made)


def _releases(figures: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Figure:
    """Return bars of seconds: medians, with the least and the most of the rounds."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes = figure.subplots()
    names = [name for name in TITLES if any(name in taken for taken in figures.values())]
    thick = 0.8 / len(names)
    for at, name in enumerate(names):
        for number, phase in enumerate(PHASES):
            rounds = figures.get(phase, {}).get(name)
            if not rounds:
                continue
            seconds = [one["seconds"] for one in rounds]
            middle, y = median(rounds), number + at * thick
            axes.barh(y, middle, thick * 0.9, color=COLOURS[name], label=TITLES[name])
            axes.plot([min(seconds), max(seconds)], [y, y], color="#222222", linewidth=1)
            theirs = figures[phase].get(SHELL)
            against = f" ({middle / median(theirs):.2f}x)" if theirs and name != SHELL else ""
            told = f"{middle:.1f} s{against}"
            _beside(axes, (max(seconds), y), told)
    axes.set_yticks([one + 0.4 - thick / 2 for one in range(len(PHASES))], list(PHASES.values()))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("seconds")
    axes.set_title("Release of examples/orders: medians, least to most")
    _legend(axes)
    return figure


def _processors(release: Mapping[str, Any]) -> Figure:
    """Return how busy the processors were in the first cold release, above what ran then."""
    cold = release["figures"].get(COLD, {})
    shown = [name for name in (KEELWAY, SHELL) if cold.get(name)]
    path = next(iter(release["paths"].get(COLD, ())), None)
    heights = [1] * len(shown) + ([2.4] if path else [])
    figure = Figure(figsize=(WIDTH, 1.6 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    for axes, name in zip(panels[:, 0], shown, strict=False):
        times, shares = zip(*cold[name][0]["timeline"], strict=True)
        axes.fill_between(times, [100 * one for one in shares], step="pre", color=COLOURS[name])
        axes.set_ylim(0, 100)
        axes.set_ylabel("busy, %")
        idle = 100 * cold[name][0]["idle"]
        axes.set_title(f"{TITLES[name]}, nothing kept: processors ({idle:.0f} % idle)")
    if path:
        _tools(panels[-1, 0], path)
    panels[-1, 0].set_xlabel("seconds")
    return figure


def _tools(axes: Axes, path: Mapping[str, Any]) -> None:
    """Draw when keelway's tools ran, those of the critical path in colour."""
    critical = {(one["name"][:80], one["began"]) for one in path["steps"]}
    lanes: list[float] = []
    for name, began, ended in sorted(path["tools"], key=lambda one: one[1]):
        free = (at for at, until in enumerate(lanes) if until <= began)
        lane = next(free, len(lanes))
        lanes[lane : lane + 1] = [ended]
        on_path = (name, began) in critical
        axes.barh(lane, ended - began, left=began, color=COLOURS["path" if on_path else "aside"])
        if ended - began > path["total_s"] / 12:
            axes.annotate(
                short(name), (began, lane), (3, 0), textcoords="offset points", va="center",
                size=7, color="white" if on_path else "black", annotation_clip=True,
            )  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_title("keelway's tools then: those that were waited for longest in colour")


def short(name: str) -> str:
    """Return the telling words of a step's name.

    >>> short("exec /usr/local/bin/trivy image --input a.tar")
    'trivy image'
    >>> short("Dockerfile:7: RUN --mount=type=cache,target=/c     pip install a")
    'RUN pip install a'
    >>> short("exec /.keelway-tool/busybox sh -c 'B=/b; board=/.keelway-board now() {'")
    'services and what tests them'
    """
    for mark, said in OWN.items():
        if mark in name:
            return said
    if name.startswith("exec "):
        words = name.removeprefix("exec ").split()
        return " ".join([words[0].rpartition("/")[2], *words[1:2]])[:LONGEST]
    _, run, command = name.partition(": RUN ")
    words = [word for word in command.split() if not word.startswith("--")]
    return (f"RUN {' '.join(words)}" if run else name)[:LONGEST]


def _growth(growth: Mapping[str, Any]) -> Figure:
    """Return seconds over sizes, a panel each kind."""
    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained")
    panels = list(figure.subplots(2, 2).flat)
    for axes in panels[len(growth["kinds"]) :]:
        axes.set_visible(False)
    for axes, kind in zip(panels, growth["kinds"], strict=False):
        for who in (KEELWAY, BUILDAH):
            for phase, line in ((FIRST, "-"), (AGAIN, ":")):
                points = [
                    (one["size"], median(one["rounds"]))
                    for one in growth["points"]
                    if (one["kind"], one["who"], one["phase"]) == (kind["name"], who, phase)
                ]
                if points:
                    sizes, seconds = zip(*points, strict=True)
                    label = f"{who}, {SAID[phase]}"
                    look = {"marker": "o", "markersize": 4, "color": COLOURS[who]}
                    axes.plot(sizes, seconds, line, label=label, **look)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain(axes.xaxis)
        _plain(axes.yaxis)
        axes.set_title(f"{kind['title']}{', ' + kind['unit'] if kind['unit'] else ''}")
        axes.set_ylabel("seconds")
        axes.grid(visible=True, which="major", color="#e4e4e4")
    _legend(figure.axes[0])
    return figure


def _engine(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Return how much of Dagger's time our engine takes, a row each, beside what is promised."""
    shown = [
        (row, ours["median"] / dagger, row["goal"] / dagger)
        for row in rows
        for ours in [next(iter(row["engines"].values()))]
        for dagger in [reference(row)]
        if dagger and ours["median"] is not None and row["goal"] and row["unit"] != "x"
    ]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.28 * max(4, len(shown))), layout="constrained")
    axes = figure.subplots()
    for at, (_, ratio, limit) in enumerate(shown):
        colour = COLOURS["met" if ratio <= limit else "missed"]
        axes.plot([ratio, limit], [at, at], color="#d0d0d0", linewidth=1)
        axes.plot(limit, at, "|", markersize=11, color=COLOURS["goal"], label="promised at most")
        axes.plot(ratio, at, "o", color=colour, label="measured")
    axes.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    _plain(axes.xaxis)
    axes.set_yticks(range(len(shown)), [row["title"] for row, _, _ in shown])
    axes.invert_yaxis()
    axes.set_xlabel("times what Dagger's engine takes")
    axes.set_title("The local engine beside Dagger's")
    _legend(axes)
    return figure


def _beside(axes: Axes, at: tuple[float, float], text: str) -> None:
    """Write right of a point."""
    axes.annotate(text, at, (6, 0), textcoords="offset points", va="center")


def _plain(axis: Axis) -> None:
    """Write an axis' numbers as people do, not as powers."""
    axis.set_major_formatter(lambda figure, _: f"{figure:,g}")
    axis.set_minor_formatter(NullFormatter())


def _legend(axes: Axes) -> None:
    """Show each name once."""
    handles, labels = axes.get_legend_handles_labels()
    each = dict(zip(labels, handles, strict=True))
    axes.legend(each.values(), each.keys(), fontsize=8)
