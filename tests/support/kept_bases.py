"""Base images of the examples, kept on this machine from one test run to the next for a few days.

They are what `keelway base` made of Debian's packages, and most of them come out the same every
time. What they are made of, and the code that makes them, is in the name of what is kept: another
recipe finds nothing. `keelway base` is asked all the same, and makes one of them anew in every run.
`KEELWAY_TEST_KEPT_BASES` names another folder, or none at all when it is empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelway.config.lock import Pin, parse_lock, render_lock
from keelway.stages.base import BaseSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "KEELWAY_TEST_KEPT_BASES"
PACKAGE = Path(__file__).parents[2] / "pipelines" / "keelway"
MAKERS = ("rootfs/*.py", "_tools/mmdebstrap.py", "stages/base.py", "bases.py")
"""The code that decides what is in a base image."""
ANEW = "python"
"""Isn't taken from what is kept, so that every run makes a base image for all platforms."""
KEPT_S = 3 * 24 * 3600
"""Debian mends its packages: so long what was made of them is new enough for tests."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A place for the base images of one recipe."""

    folder: Path

    def take(self, data: Path) -> str | None:
        """Copy what is kept to be a registry's data, and return the lock file of that time."""
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            if time.time() - self.folder.stat().st_mtime < KEPT_S:
                lock = (self.folder / "keelway.lock").read_text()
                _copy(self.folder / "data", data)
                return lock
        shutil.rmtree(data, ignore_errors=True)
        return None

    def keep(self, data: Path, lock: str) -> None:
        """Keep a registry's data for the next run, and nothing that is too old; in vain is fine."""
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            for old in _too_old(self.folder.parent):
                shutil.rmtree(old, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".new-") as name:
                new = Path(name) / "kept"
                new.mkdir()
                _copy(data, new / "data")
                (new / "keelway.lock").write_text(lock)
                new.rename(self.folder)  # whole, or not at all where another run was quicker


def kept_bases(recipe: str) -> Kept | None:
    """Return where the images of a recipe are kept; nothing where none shall be.

    Args:
        recipe: The configuration of all base images, with no address of this run in it.
    """
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    place = os.environ.get(VARIABLE, f"{home}/keelway/test-bases")
    if not place:
        return None
    digest = hashlib.sha256(recipe.encode())
    for pattern in MAKERS:
        for path in sorted(PACKAGE.glob(pattern)):
            digest.update(path.read_bytes())
    return Kept(Path(place) / digest.hexdigest()[:24])


def moved(lock: str, bases: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the lock file of the same images in another registry, without what is made anew.

    Args:
        lock: The lock file of where they were.
        bases: The configured base images, by name, with their repositories of now.
    """
    pins: dict[str, Pin] = {}
    for name, pin in parse_lock(lock).items():
        if name == ANEW:
            continue
        settings = {key: _settled(value) for key, value in bases[name].items()}
        spec = BaseSpec(name=name, **settings)
        digest = pin.reference.partition("@")[2]
        pins[name] = Pin(reference=f"{spec.repository}@{digest}", inputs=spec.inputs())
    return render_lock(pins)


def _settled(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _too_old(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > KEPT_S:
            yield path


def _copy(source: Path, target: Path) -> None:
    """Copy a tree, sharing blocks where the file system can."""
    subprocess.run(
        ["cp", "--archive", "--reflink=auto", str(source), str(target)],
        check=True,
        capture_output=True,
    )
