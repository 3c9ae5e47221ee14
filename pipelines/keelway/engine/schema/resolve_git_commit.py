"""`GitCommit`, and the names that 1.0 gave to what `GitRef` tells.

A commit is a ref by its hash: 0.21 calls it so, and 1.0 has more to ask of it.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from keelway.engine.graph.git import GitKind, GitRef
from keelway.engine.schema import resolve_git
from keelway.engine.schema.registry import Resolvers

if TYPE_CHECKING:
    from keelway.engine.graph.values import Directory
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

GIT_COMMIT = Resolvers()

_SHORT = 7
_TOLD = {
    "treeSHA": "tree",
    "message": "message",
    "messageHeadline": "headline",
    "messageBody": "body",
    "authorName": "author.name",
    "authorEmail": "author.email",
    "authoredDate": "author.date",
    "committerName": "committer.name",
    "committerEmail": "committer.email",
    "committedDate": "committer.date",
}


@GIT_COMMIT.field("GitRef", "commitSHA")
@GIT_COMMIT.field("GitCommit", "sha")
def sha(parent: GitRef, _args: Arguments, session: Session) -> str:
    """Return the commit's hash."""
    return session.git.find(parent).commit


@GIT_COMMIT.field("GitCommit", "shortSha")
def short_sha(parent: GitRef, _args: Arguments, session: Session) -> str:
    """Return the first digits of the hash."""
    return session.git.find(parent).commit[:_SHORT]


@GIT_COMMIT.field("GitRef", "name")
def name(parent: GitRef, _args: Arguments, session: Session) -> str:
    """Return the full name."""
    return session.git.find(parent).ref


@GIT_COMMIT.field("GitRef", "targetCommit")
def target_commit(parent: GitRef, _args: Arguments, session: Session) -> GitRef:
    """Return the commit that the ref is at now."""
    found = session.git.find(parent).commit
    return GitRef(repository=parent.repository, kind=GitKind.COMMIT, name=found)


@GIT_COMMIT.field("GitCommit", "tree")
def tree(parent: GitRef, args: Arguments, session: Session) -> Directory:
    """Return the files of the commit."""
    return resolve_git.tree(parent, args, session)


@GIT_COMMIT.field("GitCommit", "parentShas")
def parent_shas(parent: GitRef, _args: Arguments, session: Session) -> list[str]:
    """Return the hashes of the commits before it."""
    return list(session.git.commit(parent).parents)


def _told(field: str, attribute: str) -> None:
    read = attrgetter(attribute)

    @GIT_COMMIT.field("GitCommit", field)
    def tell(parent: GitRef, _args: Arguments, session: Session) -> str:
        found: str = read(session.git.commit(parent))
        return found


for _field, _attribute in _TOLD.items():
    _told(_field, _attribute)
