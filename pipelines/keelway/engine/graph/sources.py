"""Operations whose trees come from elsewhere: the host, the web, repositories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.git import GitSource


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTree:
    """A folder of the host as it was when the session first asked for it. No inputs."""

    path: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = False
    read: str = ""
    """Differs for each reading that must not be shared (`noCache`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """One file of the host, under its own name. No inputs."""

    path: str
    read: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A tree with one file that was fetched by HTTP. No inputs."""

    name: str
    blob: str
    """Digest of the contents, which the store has."""
    mode: int
    modified: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitTree:
    """The files of a commit, and the `.git` unless it is discarded. No inputs.

    Without `.git` the commit decides it all: then the other fields are left empty.
    """

    commit: str
    source: GitSource = field(repr=False, compare=False)
    discard: bool
    ref: str = ""
    """What is checked out, by its full name; none for a commit by itself."""
    origin: str = ""
    """Address that `.git` has for the remote `origin`."""
    depth: int = 1
    """Commits of history; 0 for all."""
    tags: bool = False
    submodules: bool = True
