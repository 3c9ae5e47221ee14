"""The git repositories of one session: asked for their refs once, so that names stay true."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from keelway.engine.graph.git import GitKind, GitRef, GitSource
from keelway.engine.solve.checkout import common_ancestor
from keelway.engine.solve.gitcommit import read_commit
from keelway.engine.solve.gitrefs import Found, full_commit, refs_of

if TYPE_CHECKING:
    from keelway.engine.graph.git import GitRepository
    from keelway.engine.solve.gitcommit import Commit
    from keelway.engine.solve.gitrefs import Refs
    from keelway.engine.solve.solver import Solver


class Repositories:
    """Looks names up in repositories."""

    def __init__(self, solver: Solver) -> None:
        """Evaluate directories that are repositories with this solver."""
        self._solver = solver
        self._lock = threading.Lock()
        self._flights: dict[GitSource, threading.Lock] = {}
        self._refs: dict[GitSource, Refs] = {}
        self._commits: dict[str, Commit] = {}

    def source(self, repository: GitRepository) -> GitSource:
        """Return where the objects of a repository come from."""
        directory = repository.directory
        if directory is None:
            return GitSource(
                address=repository.address, login=repository.login, service=repository.service
            )
        self._solver.look_at(directory.node, directory.path, want="directory")
        return GitSource(
            snapshot=self._solver.evaluate(directory.node).snapshot, path=directory.path
        )

    def refs(self, repository: GitRepository) -> Refs:
        """Return the refs, as they were when the session first asked.

        Raises:
            EngineError: The repository was not reached, or is none.
        """
        source = self.source(repository)
        with self._lock:
            flight = self._flights.setdefault(source, threading.Lock())
        with flight:
            if source not in self._refs:
                self._refs[source] = refs_of(source, self._solver.machine, self._solver.views)
            return self._refs[source]

    def find(self, ref: GitRef) -> Found:
        """Return the commit that a ref is at, and its full name.

        Raises:
            EngineError: There is no such ref.
        """
        if ref.kind is GitKind.COMMIT:
            return Found(commit=full_commit(ref.name), ref=ref.name)
        return self.refs(ref.repository).find(ref.kind, ref.name)

    def commit(self, ref: GitRef) -> Commit:
        """Return what the commit says that a ref is at.

        Raises:
            EngineError: The repository was not reached, or has no such commit.
        """
        source, found = self.source(ref.repository), self.find(ref).commit
        with self._lock:
            known = self._commits.get(found)
        if known is None:
            known = self._solver.reported(
                f"git commit {found[:12]}",
                lambda _: read_commit(source, found, self._solver.machine, self._solver.views),
            )
            with self._lock:
                self._commits[found] = known
        return known

    def common_ancestor(self, first: GitRef, second: GitRef) -> GitRef:
        """Return the best commit that both histories have.

        Raises:
            EngineError: There is none.
        """
        sides = [(self.source(ref.repository), self.find(ref).commit) for ref in (first, second)]
        commit = self._solver.reported(
            "git common ancestor",
            lambda _: common_ancestor(sides, self._solver.machine, self._solver.views),
        )
        return GitRef(repository=first.repository, kind=GitKind.COMMIT, name=commit)
