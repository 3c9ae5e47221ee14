"""Single operations of any number of engines, side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.lab import Lab
from bench.machine import calibrate, children_cpu
from bench.material import write_rootfs
from bench.report import Figures

if TYPE_CHECKING:
    from pathlib import Path

    from bench.engines import Engine
    from bench.rows import Work


async def measure(engines: list[Engine], work: list[Work], repeat: int, scratch: Path) -> Figures:
    """Return what all engines took for all work: by turns, so that all meet the same machine."""
    rootfs = write_rootfs(scratch / "engine-material")
    figures = Figures(engines, [row for one in work for row in one.rows])
    for number in range(repeat):
        for one in work:
            for engine in engines if number < (one.rounds or repeat) else ():
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
