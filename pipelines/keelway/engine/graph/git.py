"""Git repositories and refs as queries hand them around, and where a checkout comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.engine.graph.node import Node
    from keelway.engine.graph.values import Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLogin:
    """How a server is told who asks; values are the session's, here are their handles."""

    username: str = ""
    token: str = ""
    header: str = ""
    known_hosts: str = ""
    """Lines of an ssh `known_hosts` file; the user's own file where empty."""
    agent: str = ""
    """Path of an ssh agent's socket; the agent of the client's environment where empty."""
    nested: bool = False
    """A command in a container asks: nothing of the user's own is used for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """Where objects are fetched from: an address, or a repository inside a snapshot."""

    address: str = ""
    """As `git fetch` takes it, without credentials."""
    login: GitLogin = GitLogin()
    service: Node | None = None
    """What runs while the address is asked, and is found by name."""
    snapshot: tuple[str, ...] = ()
    path: str = ""
    """Of the repository, absolute inside the snapshot; empty where there is an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRepository:
    """A repository: at an address, or in a directory."""

    address: str = ""
    login: GitLogin = GitLogin()
    service: Node | None = None
    directory: Directory | None = None
    keep_git_dir: bool = True


class GitKind(Enum):
    """What the name of a ref is a name of."""

    HEAD = "head"
    BRANCH = "branch"
    TAG = "tag"
    REF = "ref"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRef:
    """A place in a repository's history, not looked up yet."""

    repository: GitRepository
    kind: GitKind
    name: str = ""
