"""The commit that a release is made from, as the tag rules see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SHORT_SHA = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One git commit, and how it was reached."""

    sha: str
    """All hexadecimal digits."""
    committed_at: datetime
    """Aware, in UTC."""
    branch: str | None = None
    """The branch that is checked out; none when HEAD is detached."""
    tag: str | None = None
    """The git tag that names this commit: of several, the highest version."""
    tags: tuple[str, ...] = ()
    """All git tags that name this commit, sorted."""
    dirty: bool = False
    """Whether the working tree differs from the commit."""
    remote: str | None = None
    """The address of the remote `origin`, without a login."""
    default_branch: str | None = None
    """The remote's default branch, where the clone keeps it: `git clone` does, a CI rarely."""
    shallow: bool = False
    """Whether the history is cut off: older commits and other tags are not known then."""

    @property
    def short_sha(self) -> str:
        """Return the first seven digits."""
        return self.sha[:SHORT_SHA]
