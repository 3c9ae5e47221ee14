"""A job of any CI, in one form; nothing means that the provider does not tell.

Example:
    >>> parse_ref("refs/pull/15/merge")
    GitRef(kind='pull_request', name='15')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.tags.occasion import GitRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.tags.occasion import Event, RefKind

    Environment = Mapping[str, str]
    Read = Callable[[str], str | None]
    """Gives the text of a file that the environment names; nothing when it cannot be read."""

_REFS: tuple[tuple[re.Pattern[str], RefKind], ...] = (
    (re.compile(r"refs/heads/(.+)"), "branch"),
    (re.compile(r"refs/tags/(.+)"), "tag"),
    (re.compile(r"refs/(?:pull|pull-requests|merge-requests)/([0-9]+)(?:/.*)?"), "pull_request"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CiJob:
    """What a CI says of the job that runs here."""

    provider: str
    """Its short name, as `KEELWAY_CI` takes it."""
    title: str
    """Its name for people."""
    event: Event = "other"
    ref: GitRef | None = None
    sha: str | None = None
    """The commit that the job is for; of a pull request often its merge into the target."""
    head_sha: str | None = None
    """The newest commit of a pull request."""
    base_sha: str | None = None
    """What a pull request goes onto, or what the branch was before a push."""
    base_ref: str = ""
    """The branch that a pull request goes to."""
    default_branch: str | None = None
    on_default_branch: bool = False
    """Whether the event only ever happens for the default branch."""
    fork: bool | None = None
    """Whether a pull request comes from another repository."""
    repository: str | None = None
    """Its web address, or its name where no address is told."""
    run_url: str | None = None
    actor: str | None = None
    """Who or what started it."""
    sha_variable: str = ""
    """Where the commit is told, for messages."""
    ref_variable: str = ""

    @property
    def pull_request(self) -> str | None:
        """Return the number of the pull request, if it is one."""
        return self.ref.name if self.ref is not None and self.ref.kind == "pull_request" else None

    @property
    def untrusted(self) -> str | None:
        """Return why nothing may be published and no secret read here; nothing when all may be.

        A pull request of which it is not known whether it comes from a fork counts as one.
        """
        if self.event != "pull_request" or self.fork is False:
            return None
        number = self.pull_request or "of unknown number"
        if self.fork:
            return f"pull request {number} comes from a fork: those are never published"
        return (
            f"{self.title} does not tell whether pull request {number} comes from a fork, and"
            " those are never published"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One kind of CI."""

    name: str
    title: str
    mark: Callable[[Environment], str | None]
    """Gives the variable by which the provider shows, if it does."""
    read: Callable[[Environment, Read], CiJob]
    over: tuple[str, ...] = ()
    """Providers whose variables it sets too, so that it goes before them."""


def told(environ: Environment, *names: str) -> str | None:
    """Return the first of the variables that is set and not empty."""
    return next((value for name in names if (value := environ.get(name))), None)


def flag(environ: Environment, name: str) -> bool | None:
    """Return what a variable says that is `true` or `false` in any case; nothing otherwise."""
    return {"true": True, "1": True, "false": False, "0": False}.get(environ.get(name, "").lower())


def marked(variable: str, value: str | None = None) -> Callable[[Environment], str | None]:
    """Return a mark: the variable is set, or has that value in any case."""

    def mark(environ: Environment) -> str | None:
        found = environ.get(variable, "")
        shown = bool(found) if value is None else found.lower() == value
        return variable if shown else None

    return mark


def branch_ref(name: str | None) -> GitRef | None:
    """Return the reference to a branch, where its name is told."""
    return None if name is None else GitRef(kind="branch", name=name.removeprefix("refs/heads/"))


def tag_ref(name: str | None) -> GitRef | None:
    """Return the reference to a git tag, where its name is told."""
    return None if name is None else GitRef(kind="tag", name=name.removeprefix("refs/tags/"))


def pull_ref(number: str | None) -> GitRef | None:
    """Return the reference to a pull request, where its number is told."""
    return None if number is None else GitRef(kind="pull_request", name=number)


def parse_ref(full: str | None) -> GitRef | None:
    """Return a reference that is written in full; nothing for others."""
    for pattern, kind in _REFS:
        found = pattern.fullmatch(full or "")
        if found:
            return GitRef(kind=kind, name=found[1])
    return None


def pushed(ref: GitRef | None) -> Event:
    """Return which event a push is, by what was pushed."""
    return "tag" if ref is not None and ref.kind == "tag" else "push"


def differ(one: str | None, other: str | None) -> bool | None:
    """Return whether two addresses or names of repositories differ; nothing when one is unknown.

    >>> differ("git@github.com:Acme/shop.git", "https://github.com/acme/shop")
    False
    """
    if not one or not other:
        return None
    return _repository(one) != _repository(other)


def _repository(address: str) -> str:
    bare = re.sub(r"^[a-z+]+://", "", address.lower())
    return bare.rpartition("@")[2].replace(":", "/").removesuffix("/").removesuffix(".git")
