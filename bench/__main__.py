"""`python -m bench`: measure any number of engines side by side.

make bench
make bench ARGS='--rows chain,small-files --repeats 5'
make bench ARGS='--engine new=.venv/bin/keelway-engine --engine old=/old/.venv/bin/keelway-engine'
make bench ARGS='--engine new=.venv/bin/keelway-engine --engine dagger=tcp://127.0.0.1:1234'
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from bench import product
from bench.engines import Engine
from bench.lab import Lab
from bench.machine import calibrate, children_cpu
from bench.material import write_rootfs
from bench.report import Figures, as_json, table
from bench.work import ALL

if TYPE_CHECKING:
    from bench.rows import Work

OWN = Path(sys.executable).parent / "keelway-engine"
PRODUCT = "product"


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    names = ", ".join(work.name for work in ALL)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="NAME=WHAT",
        help="an engine to measure, as often as wanted: a program that speaks the session "
        "protocol, or SCHEME://HOST of a Dagger engine; keelway-engine of this checkout if none. "
        "Engines called dagger or given by a host are what the goals are shares of",
    )
    parser.add_argument(
        "--rows",
        default=",".join(work.name for work in ALL),
        help=f"what to measure, with commas: {names}; {PRODUCT} is the command line instead, with "
        "base images and the release of the example (takes minutes); all of the first is usual",
    )
    parser.add_argument("--repeats", type=int, default=3, help="rounds (usually 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def chosen(text: str) -> list[Work]:
    """Return the work that was asked for.

    Raises:
        ValueError: Some of it is not known.
    """
    known = {work.name: work for work in ALL}
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"--rows {','.join(unknown)}: choose among {', '.join(known)}, {PRODUCT}")
    return [known[name] for name in names]


async def measure(engines: list[Engine], work: list[Work], repeats: int, scratch: Path) -> Figures:
    """Return what all engines took for all work: by turns, so that all meet the same machine."""
    rootfs = write_rootfs(scratch / "material")
    figures = Figures(engines, [row for one in work for row in one.rows])
    for number in range(repeats):
        for one in work:
            for engine in engines if number < (one.rounds or repeats) else ():
                folder = scratch / engine.name / f"{number}-{one.name}"
                folder.mkdir(parents=True)
                await take(figures, one, Lab(engine=engine, rootfs=rootfs, folder=folder))
    return figures


async def take(figures: Figures, work: Work, lab: Lab) -> None:
    """Measure one piece of work; what fails is noted, and the rest goes on."""
    figures.calibration.append(calibrate())
    before = children_cpu()
    try:
        found = await work.measure(lab)
    except Exception as error:  # noqa: BLE001 - whatever an engine says
        figures.failures.append(f"{lab.engine.name}: {work.name} failed: {error}")
        print(figures.failures[-1], file=sys.stderr)
        return
    said = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
    print(f"{lab.engine.name}: {said}", file=sys.stderr)
    if not lab.engine.runner:
        used = children_cpu() - before
        figures.cpu.setdefault((lab.engine.name, work.name), []).append(used)
    for name, value in found.items():
        figures.values.setdefault((lab.engine.name, name), []).append(value)


def main() -> int:
    """Measure, print, and say by the exit code whether all could be measured."""
    asked = arguments()
    for name in [name for name in os.environ if name.startswith("DAGGER_SESSION_")]:
        del os.environ[name]  # a session of another program must not be taken for ours
    if asked.rows == PRODUCT:
        print(json.dumps(product.measure(), indent=2))
        return 0
    with tempfile.TemporaryDirectory(prefix="keelway-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        try:
            work = chosen(asked.rows)
            given = asked.engine or [f"keelway={OWN}"]
            engines = [Engine.parse(text, scratch) for text in given]
        except ValueError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        figures = anyio.run(measure, engines, work, asked.repeats, scratch)
    print("\n".join(table(figures)))
    if asked.json is not None:
        asked.json.write_text(json.dumps(as_json(figures), indent=2) + "\n")
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main())
