"""Which external program made a result, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTool:
    """A static binary of the host, run in an empty container."""

    path: str
    """The command: a path, or a bare name to look for beside Python and on PATH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTool:
    """An image that holds the tool, pinned by digest."""

    reference: str
    """`name@sha256:...`."""


ToolSource = HostTool | ImageTool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolVersion:
    """A tool as it was when it ran."""

    name: str
    """Its command."""
    version: str
    """As it tells it itself."""
    source: str
    """`host` or the image's reference."""


def describe(source: ToolSource) -> str:
    """Return the source as it stands in a report: no path of this machine."""
    return source.reference if isinstance(source, ImageTool) else "host"
