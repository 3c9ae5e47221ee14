"""Files replaced in one step: whoever reads one sees what was, or all of what is."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NEW_FILE = 0o666
"""What `open` asks for, before the umask."""


def replace_file(path: Path, data: str | bytes, *, mode: int = _NEW_FILE) -> None:
    """Write a file beside its place, then move it there; nothing is left of it when that fails.

    Several may do so at once: the last one wins, and none meets the half-written file of another.

    Args:
        path: The file; its folder is there. What is there by that name is replaced, were it a link.
        data: What is in it; text is written as UTF-8. Half characters, which no file can hold,
            become `?`.
        mode: The permissions of the new file, before the umask.

    Raises:
        OSError: It cannot be written.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", errors="replace")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
