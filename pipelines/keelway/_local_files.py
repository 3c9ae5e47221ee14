"""Files and folders of this machine, as an engine gets them.

A stage names them by path. Usually the engine reads them from the machine of its client; a run on
a checkout takes what lies in it from the directory that the engine has already.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dagger

    from keelway._stage import Run


def local_directory(
    run: Run, path: str | Path, *, exclude: Iterable[str] = (), include: Iterable[str] = ()
) -> dagger.Directory:
    """Return a folder of this machine.

    Args:
        run: The run.
        path: Where it is.
        exclude: What is left out, in patterns as `.dockerignore` has them.
        include: What is taken of it; all when empty.

    Raises:
        PlanError: The engine has no way to read it.
    """
    inside = _inside(run, path)
    if inside is None:
        return _host(run, path).directory(
            str(path), exclude=list(exclude) or None, include=list(include) or None
        )
    checkout, place = inside
    found = checkout if place == "." else checkout.directory(place)
    left_out, taken = list(exclude), list(include)
    if not left_out and not taken:
        return found
    empty = run.dag.directory()
    return empty.with_directory(".", found, exclude=left_out or None, include=taken or None)


def local_file(run: Run, path: str | Path) -> dagger.File:
    """Return a file of this machine.

    Raises:
        PlanError: The engine has no way to read it.
    """
    inside = _inside(run, path)
    if inside is None:
        return _host(run, path).file(str(path))
    checkout, place = inside
    return checkout.file(place)


def _inside(run: Run, path: str | Path) -> tuple[dagger.Directory, str] | None:
    """Return the checkout and the path in it; nothing for what lies elsewhere."""
    if run.checkout is None:
        return None
    whole, root = Path(path).absolute(), run.checkout.root
    if not whole.is_relative_to(root):
        return None
    return run.checkout.directory, whole.relative_to(root).as_posix()


def _host(run: Run, path: str | Path) -> dagger.Host:
    """Return the machine of the engine's client, which is hidden from modules.

    Raises:
        PlanError: This is a module.
    """
    if not hasattr(run.dag, "host"):
        raise PlanError(
            f"{path} cannot be given to a container: it is not in the source directory",
            why="a Dagger module has no access to other files",
            next_step="put it into the source directory; for a tool, name its image "
            "under [tools] in keelway.toml",
        )
    return run.dag.host()
