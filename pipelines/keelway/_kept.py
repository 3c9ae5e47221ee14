"""Files that a run leaves for people: everything under one report directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from keelway._replacing import replace_file
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.platform import Platform

REPORT_DIRECTORY = ".keelway"


def make_directory(directory: Path) -> None:
    """Make the report directory, and hide what is in it from git.

    Without that the first run would make the working tree dirty, and the second one its tags.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ignore = directory / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


async def keep(directory: str, name: str, text: str) -> str:
    """Write a file under the report directory, whole or not at all, and return its name there.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    target = anyio.Path(directory) / name
    try:
        await anyio.to_thread.run_sync(make_directory, Path(directory))
        await target.parent.mkdir(parents=True, exist_ok=True)
        await anyio.to_thread.run_sync(replace_file, Path(target), text)
    except OSError as error:
        raise KeelwayError(
            f"cannot write {target}: {error.strerror}",
            next_step="make the report directory writable, or set another one under [report]",
        ) from error
    return name


async def keep_logs(directory: str, folder: str, logs: Mapping[str, str]) -> dict[str, str]:
    """Write what services wrote, by name, whatever stops the run meanwhile; return the files.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    kept: dict[str, str] = {}
    with anyio.CancelScope(shield=True):
        for name, text in logs.items():
            kept[name] = await keep(directory, f"{folder}/{name}.log", text)
    return kept


def stem(image: str, platform: Platform) -> str:
    """Return what the files about one image for one platform are called."""
    return f"{image}-{platform.replace('/', '-')}"
