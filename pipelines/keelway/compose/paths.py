"""Paths as compose files write them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.compose.tree import Origin


def absolute(text: str, origin: Origin) -> Path:
    """Return the path that the text means in the file: `~` is the user's, others are relative.

    Args:
        text: What was written.
        origin: Where; without the variable HOME, `~` is a folder's name.
    """
    home = origin.environment.get("HOME")
    if text == "~" or text.startswith("~/"):
        text = text if home is None else home + text[1:]
    # Not resolve(): what a link is called is what the user wrote.
    return Path(os.path.normpath(origin.folder / text))


def is_remote(text: str) -> bool:
    """Return whether it is the address of something elsewhere: a git repository, a registry."""
    has_scheme = "://" in text and not text.startswith("file://")
    return has_scheme or text.startswith(("git@", "github.com/"))
