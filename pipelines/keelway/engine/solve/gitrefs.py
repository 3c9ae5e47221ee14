"""What a repository calls its commits: one listing of refs, and look-ups in it."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.git import GitKind
from keelway.engine.solve.gitaccess import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.engine.graph.git import GitSource
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.views import Views

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A commit, and the full name that led to it; a commit by itself is its own name."""

    commit: str
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """All refs of a repository at one time."""

    shown: str
    commits: Mapping[str, str]
    """By full name, tags peeled to what they tag; `HEAD` among them."""
    head: str
    """The branch that HEAD is on; empty when it is detached."""

    def find(self, kind: GitKind, name: str) -> Found:
        """Return what a name means.

        Raises:
            EngineError: The repository has nothing of that name.
        """
        match kind:
            case GitKind.COMMIT:
                return Found(commit=full_commit(name), ref=name)
            case GitKind.BRANCH:
                return self._first(_BRANCHES + name.removeprefix(_BRANCHES), name)
            case GitKind.TAG:
                return self._first(_TAGS + name.removeprefix(_TAGS), name)
            case GitKind.REF if _COMMIT.fullmatch(name):
                return Found(commit=name, ref=name)
            case GitKind.HEAD | GitKind.REF if name in {"", "HEAD"}:
                return self._first(self.head or "HEAD", "HEAD")
            case _:
                forms = (name, f"refs/{name}", _TAGS + name, _BRANCHES + name)
                known = [form for form in forms if form in self.commits]
                return self._first(known[0] if known else name, name)

    def _first(self, ref: str, asked: str) -> Found:
        commit = self.commits.get(ref)
        if commit is None:
            raise EngineError(f'git repository {self.shown} does not contain ref "{asked}"')
        return Found(commit=commit, ref=ref)

    def tags(self, patterns: Sequence[str]) -> list[str]:
        """Return the names of the tags that match one of the patterns, of all without any."""
        return self._names(_TAGS, patterns)

    def branches(self, patterns: Sequence[str]) -> list[str]:
        """Return the names of the branches that match one of the patterns."""
        return self._names(_BRANCHES, patterns)

    def _names(self, below: str, patterns: Sequence[str]) -> list[str]:
        return [
            ref.removeprefix(below)
            for ref in self.commits
            if ref.startswith(below) and (not patterns or any(_fits(ref, it) for it in patterns))
        ]

    def latest_version(self) -> str:
        """Return the tag of the highest version; releases come before what precedes them.

        Raises:
            EngineError: No tag is a version.
        """
        versions = [(found, tag) for tag in self.tags(()) if (found := _VERSION.fullmatch(tag))]
        if not versions:
            raise EngineError(f"git repository {self.shown} has no tag that is a version")
        released = [item for item in versions if item[0][4] is None]
        return max(released or versions, key=lambda item: _order(item[0]))[1]


def full_commit(text: str) -> str:
    """Return the commit as given.

    Raises:
        EngineError: It is no full hash.
    """
    if not _COMMIT.fullmatch(text):
        raise EngineError(f'invalid commit SHA "{text}": write all of its 40 hex digits')
    return text


def refs_of(source: GitSource, machine: Machine, views: Views) -> Refs:
    """Ask a repository for its refs.

    Raises:
        EngineError: It was not reached, or is none.
    """
    with opened(source, machine, views) as place:
        work = machine.store.new_work("git")
        try:
            text = place.git("ls-remote", ["--symref"], cwd=work, doing=f"list {place.shown}")
        finally:
            machine.store.discard(work)
        return _parsed(text, place.shown)


def _parsed(text: str, shown: str) -> Refs:
    commits: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif not value.startswith("ref: "):
            # A peeled tag comes after the tag itself, and is what counts.
            commits[name.removesuffix("^{}")] = value
    return Refs(shown=shown, commits=commits, head=head)


def _fits(ref: str, pattern: str) -> bool:
    """Match as `git ls-remote` does: the end of the name, from any slash on."""
    return fnmatch.fnmatchcase(f"/{ref}", f"*/{pattern}")


def _order(version: re.Match[str]) -> tuple[object, ...]:
    numbers = tuple(int(version[part]) for part in (1, 2, 3))
    before = [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in (version[4] or "").split(".")
    ]
    return (*numbers, before)
