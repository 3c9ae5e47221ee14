"""One registry with the base images of all examples, for all workers of a test run.

Whoever comes first makes them, or takes those of a run before; `scripts/test` comes first, so that
nobody waits long:

    python -m tests.support.example_bases .../PID    for as long as process PID lives
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.kept_bases import kept_bases, moved
from tests.support.leftovers import give_back
from tests.support.missing import need
from tests.support.projects import Project, program
from tests.support.registry import Registry, registry_until_gone
from tests.support.requirements import EXAMPLES, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITTEN = "localhost:5117"
"""The registry that the examples are written for."""
SHARED = "KEELWAY_TEST_BASES"
"""Names the folder of `scripts/test`, which is called as its process is numbered."""
TIMEOUT_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleBases:
    """Where the base images are, and how they are pinned."""

    registry: Registry
    lock: str
    """A `keelway.lock` with all of them."""


class BasesError(Exception):
    """There are no base images for the examples: `keelway base` failed."""


def shared_bases(own: Path) -> ExampleBases:
    """Return the base images of this test run; a test that asks fails in one line without them.

    Args:
        own: The base folder of pytest's process, which a worker has in one that all share.
    """
    try:
        if SHARED in os.environ:
            shared = Path(os.environ[SHARED])
            return example_bases(shared, int(shared.name))
        if "PYTEST_XDIST_WORKER" in os.environ:
            return example_bases(own.parent / "example-bases", os.getppid())
        return example_bases(own / "example-bases", os.getpid())
    except BasesError as error:
        pytest.fail(str(error), pytrace=False)


def example_bases(shared: Path, run_pid: int) -> ExampleBases:
    """Return the base images of all examples; who comes first makes them.

    Args:
        shared: A folder that all workers of this run see, and no other run.
        run_pid: The process whose end is the end of the run.

    Raises:
        BasesError: `keelway base` failed, now or for who came first: it isn't tried again. What it
            said is told once; after that only where it is.
    """
    shared.mkdir(parents=True, exist_ok=True)
    with _locked(shared / "lock"):
        made, said = shared / "made.json", shared / "keelway-base.log"
        if said.exists():
            raise BasesError(f"no base images for the examples, as was told first: {said}")
        if not made.exists():
            try:
                registry, lock = _registry_with_bases(shared, run_pid)
            except BasesError as error:
                said.write_text(str(error))
                raise
            made.write_text(json.dumps({"address": registry.address, "lock": lock}))
        known = json.loads(made.read_text())
    return ExampleBases(registry=Registry(address=known["address"]), lock=known["lock"])


def _registry_with_bases(shared: Path, run_pid: int) -> tuple[Registry, str]:
    """Make all base images in one project, or take those that are kept; return their lock file."""
    bases = _configured()
    kept = kept_bases(json.dumps(bases, sort_keys=True))
    before = kept.take(shared / "data") if kept is not None else None
    registry = registry_until_gone(shared, run_pid)
    for section in bases.values():
        section["repository"] = str(section["repository"]).replace(WRITTEN, registry.address)
    lock = _make(shared, bases, moved(before, bases) if before is not None else None)
    if kept is not None and before is None:
        kept.keep(shared / "data", lock)
    return registry, lock


def _configured() -> dict[str, dict[str, object]]:
    """Return the base images of all examples; a name means the same in all of them."""
    everything: dict[str, dict[str, object]] = {}
    for name in ("orders", *NAMES):
        path = EXAMPLES / name / "keelway.toml"
        if not path.is_file():
            continue
        for base, section in tomllib.loads(path.read_text()).get("base", {}).items():
            if everything.setdefault(base, section) != section:
                raise BasesError(f"[base.{base}] of examples/{name} differs from another example's")
    return everything


def _make(shared: Path, bases: dict[str, dict[str, object]], lock: str | None) -> str:
    """Have `keelway base` make all base images in one project, but those that a lock file pins."""
    config = '[project]\nname = "bases"\n\n[images.none]\n'
    for base, section in bases.items():
        # What JSON writes of texts, numbers and lists is TOML too.
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in section.items())
        config += f"\n[base.{base}]\n{''.join(lines)}"
    # Nobody needs the store when they are made.
    store = shared / "store"
    project = Project(folder=shared / "bases", environment={"KEELWAY_STORE": str(store)})
    project.write({"keelway.toml": config, **({"keelway.lock": lock} if lock is not None else {})})
    need("mmdebstrap", package="mmdebstrap")
    done = subprocess.run(
        [program(), "base"],
        cwd=project.folder,
        env=project.surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if os.geteuid() != 0:
        give_back(store)
    shutil.rmtree(store, ignore_errors=True)
    if done.returncode:
        raise BasesError(f"keelway base, exit code {done.returncode}:\n{done.stderr}")
    return (project.folder / "keelway.lock").read_text()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def whole_word(number: int) -> re.Pattern[str]:
    """Return what finds a port, and not the digits of another number."""
    return re.compile(rf"(?<!\d){number}(?!\d)")


if __name__ == "__main__":
    # What is missing is told by the first test that needs it.
    with contextlib.suppress(pytest.fail.Exception, pytest.skip.Exception):
        try:
            example_bases(Path(sys.argv[1]), int(Path(sys.argv[1]).name))
        except BasesError as error:
            sys.exit(str(error))
