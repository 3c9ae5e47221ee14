"""What is released and on which occasion: everything that tag rules look at.

Example:
    >>> occasion = Occasion(ref=GitRef(kind="branch", name="main"), sha="ab" * 20)
    >>> occasion.ref.full, occasion.short_sha
    ('refs/heads/main', 'abababa')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelway.tags.commit import SHORT_SHA

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.tags.commit import Commit

Event = Literal["push", "tag", "pull_request", "schedule", "manual", "other"]
"""Why there is a run: something was pushed, a tag was made, and so on."""

RefKind = Literal["branch", "tag", "pull_request"]

_FULL = {"branch": "refs/heads/{}", "tag": "refs/tags/{}", "pull_request": "refs/pull/{}/merge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRef:
    """What the release is made for: a branch, a git tag, or a pull request."""

    kind: RefKind
    name: str
    """The branch, the tag, or the number of the pull request."""

    @property
    def full(self) -> str:
        """Return the reference as git writes it."""
        return _FULL[self.kind].format(self.name)

    def __str__(self) -> str:
        """Return it in words."""
        return f"{_WORDS[self.kind]} {self.name}"


_WORDS = {"branch": "the branch", "tag": "the git tag", "pull_request": "pull request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One release, as the rules see it; nothing means that it is not known."""

    event: Event = "push"
    ref: GitRef | None = None
    no_ref: str = "neither a branch nor a git tag is known"
    """Why there is no reference."""
    passed_over: GitRef | None = None
    """What is true as well, and what the reference goes before."""
    sha: str | None = None
    no_sha: str = "there is no git commit"
    """Why there is no commit."""
    dirty: bool = False
    """Whether what is built differs from the commit."""
    committed_at: datetime | None = None
    """Aware, in UTC."""
    epoch: int | None = None
    """Seconds since 1970 of SOURCE_DATE_EPOCH, else of the commit: what `{{date}}` tells."""
    base_ref: str = ""
    """The branch that a pull request goes to."""
    default_branch: str | None = None
    on_default_branch: bool = False
    """Whether the event only ever happens for the default branch."""
    sha_length: int = SHORT_SHA
    """How many digits of the commit a short one has."""

    @property
    def short_sha(self) -> str:
        """Return the first digits of the commit; nothing when it is not known."""
        return (self.sha or "")[: self.sha_length]


def occasion_of(
    commit: Commit | None, *, epoch: int | None = None, sha_length: int = SHORT_SHA
) -> Occasion:
    """Return the occasion where only git is asked: a person's machine.

    A git tag goes before the branch that is checked out too, as it does on a CI that runs for the
    tag: a tagged commit is a release. What was changed since is not that release, though.

    Args:
        commit: What is checked out.
        epoch: What `{{date}}` tells; the commit's time when absent.
        sha_length: How many digits of the commit a short one has.
    """
    if commit is None:
        no_ref = "there is no git commit"
        return Occasion(event="manual", no_ref=no_ref, epoch=epoch, sha_length=sha_length)
    branch = None if commit.branch is None else GitRef(kind="branch", name=commit.branch)
    tag = None if commit.tag is None else GitRef(kind="tag", name=commit.tag)
    first = tag if tag is not None and not (commit.dirty and branch) else branch
    return Occasion(
        event="manual",
        ref=first,
        no_ref="HEAD is detached, and no git tag names the commit",
        passed_over=branch if first is tag else tag,
        sha=commit.sha,
        dirty=commit.dirty,
        committed_at=commit.committed_at,
        epoch=int(commit.committed_at.timestamp()) if epoch is None else epoch,
        sha_length=sha_length,
    )
