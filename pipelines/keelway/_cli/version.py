"""`keelway version`."""

from __future__ import annotations

import sys

from keelway._cli import output

_SHOWN = ("keelway", "dagger-io")


def version() -> None:
    """Print the versions of keelway, Dagger's SDK and Python."""
    for name in _SHOWN:
        output.result(f"{name} {_installed(name)}")
    output.result(f"python {sys.version.split()[0]}")


def _installed(name: str) -> str:
    from importlib import metadata  # noqa: PLC0415 -- help starts at once

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed as a package"
