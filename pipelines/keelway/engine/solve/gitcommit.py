"""What a commit says of itself: its tree, its parents, who made it, when and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.solve.checkout import fetched
from keelway.engine.store.git import git

if TYPE_CHECKING:
    from keelway.engine.graph.git import GitSource
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.views import Views

_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d+) (?P<zone>[+-]\d{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who made something, and when (RFC 3339, in their own time zone)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit object, read."""

    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def headline(self) -> str:
        """Return the first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def body(self) -> str:
        """Return the message without its first line and what is empty around the rest."""
        return self.message.partition("\n")[2].strip("\n")


def read_commit(source: GitSource, commit: str, machine: Machine, views: Views) -> Commit:
    """Return what a commit of a repository says.

    Raises:
        EngineError: The repository was not reached, or does not have the commit.
    """
    with fetched([(source, commit)], machine, views, doing="read a commit") as folder:
        # The object itself: a history that was cut short hides the parents from `git log`.
        return parse_commit(git(["cat-file", "commit", commit], cwd=folder, doing="read a commit"))


def parse_commit(text: str) -> Commit:
    """Return the commit of an object's text.

    Raises:
        EngineError: It is none.
    """
    head, _, message = text.partition("\n\n")
    # A line that begins with a space goes on with the one before: signatures have many.
    pairs = [line.partition(" ") for line in head.splitlines() if not line.startswith(" ")]
    found = {name: value for name, _, value in pairs}
    return Commit(
        tree=found.get("tree", ""),
        parents=tuple(value for name, _, value in pairs if name == "parent"),
        author=_person(found.get("author", "")),
        committer=_person(found.get("committer", "")),
        message=message.rstrip("\n"),
    )


def _person(text: str) -> Person:
    found = _PERSON.fullmatch(text)
    if found is None:
        raise EngineError(f"the commit names nobody who made it: {text!r}")
    offset = timedelta(hours=int(found["zone"][1:3]), minutes=int(found["zone"][3:]))
    zone = timezone(-offset if found["zone"].startswith("-") else offset)
    date = datetime.fromtimestamp(int(found["seconds"]), zone).isoformat()
    date = date.removesuffix("+00:00") + "Z" if not offset else date
    return Person(name=found["name"], email=found["email"], date=date)
