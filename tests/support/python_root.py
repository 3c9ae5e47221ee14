"""A root file system with the Python that runs the tests, and packages of its environment.

Made of this machine's files, so that containers can run Python without an image of it: the
interpreter, its standard library and the shared libraries that both load.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHON = "/usr/bin/python3"
PACKAGES = "/packages"
"""Where the packages are; set `PYTHONPATH` to it."""
_UNNEEDED = ("test", "idlelib", "tkinter", "lib2to3", "ensurepip", "turtledemo", "pydoc_data")
_LEFT_OUT = (*_UNNEEDED, "site-packages", "dist-packages", "config-*", "libpython*.a")
_LIBRARY = re.compile(r"(/\S+) \(0x")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def make_python_root(folder: Path, *, packages: Sequence[str] = ()) -> Path:
    """Return `folder` with Python in it, and these packages with all that they need."""
    program = Path(sys.executable).resolve()
    standard = Path(sysconfig.get_path("stdlib"))
    _copy(program, folder / PYTHON.lstrip("/"))
    target = folder / str(standard).lstrip("/")
    shutil.copytree(standard, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for library in sorted(_libraries([program, *standard.glob("lib-dynload/*.so")])):
        _copy(library, folder / str(library).lstrip("/"))
    for name in sorted(_with_needed(packages)):
        _copy_package(name, folder / PACKAGES.lstrip("/"))
    (folder / "tmp").mkdir(mode=0o1777)
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _libraries(files: Sequence[Path]) -> set[Path]:
    found = subprocess.run(
        [need("ldd", package="libc-bin"), *map(str, files)],
        check=False,
        capture_output=True,
        text=True,
    )
    return {Path(path) for path in _LIBRARY.findall(found.stdout)}


def _with_needed(names: Sequence[str]) -> set[str]:
    """Return the packages and what they require, as far as it is installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in found:
            found.add(name)
            waiting += _required(name)
    return found


def _required(name: str) -> Iterator[str]:
    for line in importlib.metadata.requires(name) or ():
        required = _NAME.match(line)
        if required is not None and "extra ==" not in line:
            try:
                importlib.metadata.distribution(required[0])
            except importlib.metadata.PackageNotFoundError:
                continue
            yield required[0]


def _copy_package(name: str, target: Path) -> None:
    distribution = importlib.metadata.distribution(name)
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file)))
        if ".." not in file.parts and source.is_file():
            _copy(source, target / file)
