"""A release as a host keeps it, and the one that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Colour = Literal["blue", "green"]
COLOURS: tuple[Colour, Colour] = ("blue", "green")


KEPT = ConfigDict(frozen=True, extra="ignore")
"""For what keelway writes down on a host and reads again: later versions may know more keys."""


class Release(BaseModel):
    """What one deployment put on a host: `releases/<id>/release.json`."""

    model_config = KEPT

    id: str
    """Sorts by time: `20261121-201752-1a2b3c4d`."""
    version: str
    """What people call it: its version tag."""
    images: Mapping[str, str]
    """By image: `registry/repository@sha256:...`."""
    evidence: tuple[str, ...] = ()
    """What was verified, a line each."""
    made_at: datetime
    """When it was first deployed here, by the clock of whoever did."""
    parts: tuple[str, ...] = ("",)
    """Folders in it that have a compose file: `""` is the release's own, else colours and
    `shared`.
    """
    frozen: str | None = None
    """Why nobody goes back behind it without being asked for a reason; nothing when all may."""


class Live(BaseModel):
    """What a host runs: `live.json`."""

    model_config = KEPT

    release: str
    """Its id."""
    colour: Colour | None = None
    """Which colour serves, where there are two."""
    strategy: str
    """How it came there."""


def other_colour(live: Live | None) -> Colour:
    """Return the colour that does not serve."""
    return "green" if live is not None and live.colour == "blue" else "blue"


def release_id(now: datetime, run: str) -> str:
    """Return the id of a new release: it sorts by time, and no two runs give the same.

    >>> from datetime import UTC
    >>> release_id(datetime(2026, 11, 21, 20, 17, 52, tzinfo=UTC), "1a2b3c4d5e")
    '20261121-201752-1a2b3c4d'
    """
    return f"{now:%Y%m%d-%H%M%S}-{run[:8]}"
