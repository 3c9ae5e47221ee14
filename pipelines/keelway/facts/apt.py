"""The package sources of this machine, as apt knows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway._tools.apt_sources import parse_deb822, parse_one_line

if TYPE_CHECKING:
    from keelway._tools.apt_sources import AptSource

APT = Path("/etc/apt")


def read_apt_sources(place: Path = APT) -> tuple[AptSource, ...]:
    """Return the machine's sources; none where there is no apt, or they cannot be read.

    Args:
        place: The directory of apt's configuration.
    """
    parts = place / "sources.list.d"
    lists = [place / "sources.list", *sorted(parts.glob("*.list"))]
    found = [source for file in lists for source in parse_one_line(_text(file))]
    found += [
        source for file in sorted(parts.glob("*.sources")) for source in parse_deb822(_text(file))
    ]
    return tuple(found)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
