"""Where a module is, without a look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODULE_FILES = ("dagger-module.toml", "dagger.json")
"""What a module is described by: Dagger 1.0's form first, as Dagger looks for them."""

MODULE_FOLDER = "ci"


def module_folder(given: str | None, here: Path) -> Path | None:
    """Return the folder of a module; nothing for keelway's own.

    Args:
        given: What was named; without it it is the folder `ci`, if that holds a module.
        here: The current directory.
    """
    if given is not None:
        return (here / given).resolve()
    if any((here / MODULE_FOLDER / name).is_file() for name in MODULE_FILES):
        return (here / MODULE_FOLDER).resolve()
    return None
