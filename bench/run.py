"""A run: which parts are measured, what the run's JSON is, and whether it may be published."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import anyio

from bench import growth, machine, micro, release
from bench.contenders import dagger_given
from bench.engines import RUNNER_HOST, Engine
from bench.goals import goals
from bench.report import as_json, table
from bench.scratch import BIN, ROOT
from bench.work import ALL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from bench.rows import Work

ENGINE, RELEASE, GROWTH = "engine", "release", "growth"
PARTS: Final = (ENGINE, RELEASE, GROWTH)
LOOKED_S, GLANCED_S = 3.0, 0.3
QUICK_ROWS = ("start",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is measured."""

    parts: tuple[str, ...]
    repeat: int
    engines: tuple[str, ...]
    work: tuple[Work, ...]
    quick: bool
    whole: bool
    """Whether it is all that there is, so that it may be published."""

    @classmethod
    def parse(cls, asked: argparse.Namespace) -> Self:
        """Return what the command line asks for.

        Raises:
            ValueError: Some of it is not known.
        """
        parts = tuple(part for part in asked.only.split(",") if part)
        _known("--only", parts, PARTS)
        known = {work.name: work for work in ALL}
        names = [name for name in asked.rows.split(",") if name]
        _known("--rows", names, known)
        if asked.quick:
            names = names or [name for name in QUICK_ROWS if name in known]
            parts = tuple(part for part in parts if part != RELEASE)
        if asked.repeat < 1:
            raise ValueError("--repeat takes a whole number from 1")
        engines = tuple(asked.engine) or _engines()
        for text in engines:
            Engine.parse(text, Path())
        return cls(
            parts=parts,
            repeat=1 if asked.quick else asked.repeat,
            engines=engines,
            work=tuple(known[name] for name in names or known),
            quick=asked.quick,
            whole=parts == PARTS and not names and not asked.quick and not asked.engine,
        )


def _known(option: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = [one for one in given if one not in known]
    if unknown:
        raise ValueError(f"{option} {','.join(unknown)}: choose among {', '.join(known)}")


def _engines() -> tuple[str, ...]:
    """Return our engine, and Dagger's where the environment names it."""
    host = os.environ.get(RUNNER_HOST)
    return (f"keelway={BIN / 'keelway-engine'}", *((f"dagger={host}",) if host else ()))


def measure(wanted: Wanted) -> dict[str, Any]:
    """Return all that was measured, as the run's JSON."""
    began = time.monotonic()
    at_start = machine.taken_by_others(GLANCED_S if wanted.quick else LOOKED_S)
    when = datetime.now(UTC)
    described = machine.described(ROOT)
    parts: dict[str, Any] = dict.fromkeys(PARTS)
    with tempfile.TemporaryDirectory(prefix="keelway-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        # The releases begin: they have Dagger's engine from the environment, which the next takes.
        if RELEASE in wanted.parts:
            parts[RELEASE] = asdict(release.measure(scratch, wanted.repeat))
        if GROWTH in wanted.parts:
            sizes = growth.FEW if wanted.quick else growth.SIZES
            parts[GROWTH] = asdict(growth.measure(scratch, wanted.repeat, sizes))
        if ENGINE in wanted.parts:
            parts[ENGINE] = _measure_engines(wanted, scratch)
    others = [share for part in (RELEASE, GROWTH) if parts[part] for share in parts[part]["others"]]
    return {
        "schema_version": 1,
        "when": when.strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "took_s": round(time.monotonic() - began, 1),
        "repeat": wanted.repeat,
        "machine": described,
        "quiet": {
            "at_start": round(at_start, 3),
            "others": others,
            "why": _unfit(wanted, at_start, others),
        },
        "dagger": bool(dagger_given()),
        **parts,
    }


def _measure_engines(wanted: Wanted, scratch: Path) -> dict[str, Any]:
    """Return the figures of single operations, and print their table."""
    for name in [name for name in os.environ if name.startswith("DAGGER_SESSION_")]:
        del os.environ[name]  # a session of another program must not be taken for ours
    engines = [Engine.parse(text, scratch) for text in wanted.engines]
    figures = anyio.run(micro.measure, engines, list(wanted.work), wanted.repeat, scratch)
    print("\n".join(table(figures)))
    return as_json(figures)


def _unfit(wanted: Wanted, at_start: float, others: list[float]) -> str:
    """Return why the figures are no statement about keelway; nothing if they are one."""
    if not wanted.whole:
        return "only a part was measured"
    if at_start > machine.BUSY_SHARE:
        return f"the machine was busy: others took {at_start:.0%} of its processors at the start"
    if others and statistics.median(others) > machine.BUSY_SHARE:
        usual = statistics.median(others)
        return f"the machine was busy: others took {usual:.0%} of its processors between the rounds"
    return ""


def _commit() -> str:
    """Return the commit of this checkout, with `+` where files differ from it."""
    commit, changed = (
        subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "-uno"])
    )
    return commit + ("+" if changed else "")


def write(document: Mapping[str, Any], folder: Path) -> None:
    """Write the page, its pictures and the figures: bench.md, and beside it the folder bench."""
    inside = folder / "bench"
    inside.mkdir(parents=True, exist_ok=True)
    told = {**document, "goals": [{**asdict(one), "met": one.met} for one in goals(document)]}
    (inside / "figures.json").write_text(json.dumps(told, indent=1) + "\n")
    from bench.page import page  # noqa: PLC0415 - what draws takes its time to load
    from bench.plots import draw  # noqa: PLC0415 - likewise

    pictures = draw(document, inside)
    (folder / "bench.md").write_text(page(document, pictures, inside.name))


def judge(document: Mapping[str, Any], *, missed: int, failed: int) -> int:
    """Tell of goals and failures, and return the exit code for them."""
    found = goals(document)
    for one in found:
        told = "met   " if one.met else "MISSED"
        print(f"{told} {one.says}: {one.measured:.3g} (at most {one.limit:.3g})", file=sys.stderr)
    failures = [text for part in PARTS for text in (document.get(part) or {}).get("failures", ())]
    if failures:
        return failed
    return missed if any(not one.met for one in found) else 0
