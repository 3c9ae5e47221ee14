"""What the image starts: it loads secrets from files into the environment, and becomes the service.

    python -m fits.entrypoint COMMAND...

Each file of `/run/secrets` (or `FITS_SECRETS`) becomes a variable: `api-key` is `FITS_API_KEY`. So
values are in no image, no compose file and no `docker inspect`, only in the service's own process.
They are never printed: messages have names alone.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

FOLDER = "/run/secrets"
_LARGEST = 64 * 1024
_OTHERS = stat.S_IRWXO | stat.S_IWGRP


class EntrypointError(Exception):
    """A secret that can't be loaded; the message does not tell its value."""


def load(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the folder's secrets in it.

    Args:
        folder: It may be missing: then there are none.
        environment: A variable that is set and has a file too is an error: one of them is a mistake.

    Raises:
        EntrypointError: A file can't be read, is too large or no text, or others may read it.
    """
    found = dict(environment)
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = "FITS_" + file.name.upper().replace("-", "_").replace(".", "_")
        if name in environment:
            raise EntrypointError(f"{name} is set, and {file} is there too: leave one of them out")
        found[name] = _value(file)
    return found


def _value(file: Path) -> str:
    try:
        about = file.stat()
        if about.st_mode & _OTHERS:
            raise EntrypointError(
                f"{file} has the mode {stat.S_IMODE(about.st_mode):04o}: make it 0400"
            )
        if about.st_size > _LARGEST:
            raise EntrypointError(f"{file} is larger than {_LARGEST} bytes")
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise EntrypointError(f"{file} is no text") from error
    except OSError as error:
        raise EntrypointError(f"{file} can't be read: {error.strerror}") from error
    if not value or "\0" in value:
        raise EntrypointError(f"{file} is empty, or no text")
    return value


def main(command: list[str]) -> NoReturn:
    """Load the secrets and become the command."""
    try:
        environment = load(Path(os.environ.get("FITS_SECRETS", FOLDER)), os.environ)
    except EntrypointError as error:
        print(f"entrypoint: {error}", file=sys.stderr)
        sys.exit(78)  # EX_CONFIG
    os.umask(0o077)
    os.execve(sys.executable, [sys.executable, "-m", "fits", *command], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
