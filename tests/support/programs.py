"""Programs of the host inside a container, with the libraries that they need."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    import dagger


def with_program(dag: dagger.Client, container: dagger.Container, program: str) -> dagger.Container:
    """Return the container with a program of the host at the same path, and its libraries."""
    told = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    for path in (program, *re.findall(r"(/\S+) \(0x", told)):
        container = container.with_file(path, dag.host().file(os.path.realpath(path)))
    return container


def with_perl(dag: dagger.Client, container: dagger.Container) -> dagger.Container:
    """Return the container with perl but for its modules: it makes any system call."""
    return with_program(dag, container, need("perl", package="perl-base"))


def wait_for_go_tools() -> None:
    """Wait while scripts/go-tools builds what it has not built yet; else return at once."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    kept = Path(os.environ.get("KEELWAY_GO_TOOLS") or f"{cache}/keelway/go")
    if (kept / ".lock").is_file():
        with (kept / ".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
