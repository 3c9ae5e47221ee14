"""Short forms that many cases of the conformance suite share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import dagger


def shell(container: dagger.Container, script: str) -> dagger.Container:
    """Return the container after a shell script."""
    return container.with_exec(["sh", "-c", script])


async def output(container: dagger.Container, script: str) -> str:
    """Return what a shell script prints in the container."""
    return await shell(container, script).stdout()


async def settle(lazy: dagger.Container | dagger.Directory | dagger.File) -> None:
    """Make the engine evaluate something, for the errors that this brings."""
    _ = await lazy.sync()


def write_tree(folder: Path, files: Mapping[str, str]) -> Path:
    """Write text files below `folder`; a name that ends in "/" is an empty folder."""
    for name, text in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def listing(folder: Path) -> list[str]:
    """Return the names of everything below a folder, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def mode_of(path: Path) -> int:
    """Return the permission bits of a path."""
    return path.stat().st_mode & 0o7777
