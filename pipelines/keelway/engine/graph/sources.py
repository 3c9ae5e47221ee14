"""Operations whose trees come from elsewhere: files of the web, and commits of repositories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.git import GitSource


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
