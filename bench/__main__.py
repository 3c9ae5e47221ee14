"""`python -m bench`: the rows of the promise, each with what was measured and what is promised."""

from __future__ import annotations

import json
import os
import platform
import sys
import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import anyio

from bench.engine_rows import SLEEP_S, engine_ready, exec_chain, side_by_side
from bench.scratch import Scratch, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = 'suite = "bookworm"\n'
BOTH = 'platforms = ["linux/amd64", "linux/arm64"]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement."""

    name: str
    measured: float
    at_most: float | None
    unit: str
    met: bool | None


def row(name: str, measured: float, at_most: float | None, unit: str = "s") -> Row:
    """Return a row, and tell of it on standard error."""
    met = None if at_most is None else measured <= at_most
    word = {None: "", True: "met", False: "NOT MET"}[met]
    limit = "" if at_most is None else f"at most {at_most:g} {unit}"
    print(f"{name:<52}{measured:>9.3f} {unit:<3} {limit:<20}{word}", file=sys.stderr)
    return Row(name=name, measured=round(measured, 4), at_most=at_most, unit=unit, met=met)


def bases(place: Scratch) -> Iterator[Row]:
    """Measure the base image for each platform alone, and make all that the rest needs."""
    for architecture in ("amd64", "arm64"):
        one = f'platforms = ["linux/{architecture}"]\n'
        place.configure(BOTH, one)
        place.configure(SUITE, SUITE + one)
        yield row(f"base image, {architecture} alone", place.keelway("base", "python"), 30)
        place.configure(SUITE + one, SUITE)
        place.configure(one, BOTH)
    yield row("two base images, both platforms", place.keelway("base"), None)
    yield row("base images again, nothing changed", place.keelway("base"), 1)


def engine(place: Scratch) -> Iterator[Row]:
    """Measure the engine alone."""
    lock = tomllib.loads((place.project / "keelway.lock").read_text())
    reference = lock["base"]["python-build"]["reference"]
    yield row("engine ready, from start to first answer", engine_ready(place), 0.3)
    for length in (20, 200):
        new, cached = anyio.run(exec_chain, place, reference, length)
        yield row(f"with_exec in a chain of {length}, each", new * 1000, 20, "ms")
        yield row(f"the same, cached, each (chain of {length})", cached * 1000, 1, "ms")
    both = anyio.run(side_by_side, place, reference)
    yield row(f"two platforms that each sleep {SLEEP_S} s", both, 1.5 * SLEEP_S)


def releases(place: Scratch) -> Iterator[Row]:
    """Measure the release of the example, new and with nothing changed."""
    yield row("release of examples/orders, nothing cached", place.keelway("release"), None)
    yield row("the same again", place.keelway("release"), 5)
    steps = place.report()["steps"]
    yield row(
        "steps of it that were cached", 100 * steps["cached"] / sum(steps.values()), None, "%"
    )


def main() -> int:
    """Measure everything and print JSON."""
    with scratch() as place:
        rows = [*bases(place), *engine(place), *releases(place)]
    machine = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    print(json.dumps({"machine": machine, "rows": [asdict(one) for one in rows]}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
