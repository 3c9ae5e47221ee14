"""The repository that files are written to: what it shows, and what they would change in it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from keelway._replacing import replace_file
from keelway.ci_templates.catalog import COMMAND, TEMPLATES
from keelway.ci_templates.seal import is_untouched, made_from
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from keelway.config import Config

# A package manager, as Dependabot calls it, and the files by which it is seen.
_MANIFESTS = (
    ("pip", ("pyproject.toml", "requirements.txt", "requirements.in", "Pipfile")),
    ("npm", ("package.json",)),
    ("gomod", ("go.mod",)),
    ("cargo", ("Cargo.toml",)),
    ("maven", ("pom.xml",)),
    ("gradle", ("build.gradle", "build.gradle.kts")),
    ("bundler", ("Gemfile",)),
    ("composer", ("composer.json",)),
    ("docker-compose", ("compose.yaml", "compose.yml", "docker-compose.yml")),
)


class State(Enum):
    """What a file is, held against what would be written."""

    NEW = "missing"
    CURRENT = "up to date"
    OUTDATED = "out of date"
    CHANGED = "changed by hand"
    FOREIGN = "not written by keelway"
    OTHER = "made from another configuration of this repository"

    @property
    def is_refused(self) -> bool:
        """Return whether it is somebody's own work, or another project's pipeline."""
        return self in {State.CHANGED, State.FOREIGN, State.OTHER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A file that would be written."""

    path: str
    text: str
    present: str | None
    state: State

    def difference(self) -> str:
        """Return what would change, as a unified difference; nothing where nothing would."""
        before = (self.present or "").splitlines(keepends=True)
        after = self.text.splitlines(keepends=True)
        name = f"a/{self.path}" if self.present is not None else "/dev/null"
        return "".join(difflib.unified_diff(before, after, name, f"b/{self.path}"))


def find_root(folder: Path) -> Path:
    """Return the top of the repository around a folder; the folder itself where there is none."""
    return next((up for up in (folder, *folder.parents) if (up / ".git").exists()), folder)


def find_marks(root: Path) -> Iterator[str]:
    """Yield the marks of CIs that the repository has."""
    for template in TEMPLATES:
        yield from (mark for mark in template.marks if (root / mark).exists())


def find_ecosystems(config: Config, folder: str, root: Path) -> tuple[tuple[str, str], ...]:
    """Return package managers and the folders, from the repository's top, that they are used in.

    Looked at are the places that the configuration names, so files that lie about elsewhere change
    nothing.

    Args:
        config: The configuration.
        folder: Its own folder inside the repository.
        root: The repository's top.
    """
    start = root / folder
    contexts = [start / image.context for image in config.images.values()]
    dockerfiles = [(start / image.dockerfile_path).parent for image in config.images.values()]
    found = [("docker", place) for place in dockerfiles]
    for place in (root, start, *contexts):
        found += [
            (manager, place)
            for manager, names in _MANIFESTS
            if any((place / name).is_file() for name in names)
        ]
    top = root.resolve()
    inside = [
        (manager, "/".join(place.resolve().relative_to(top).parts))
        for manager, place in found
        if place.resolve().is_relative_to(top)
    ]
    return tuple(dict.fromkeys((manager, f"/{place}") for manager, place in sorted(inside)))


def propose(root: Path, files: Mapping[str, str]) -> tuple[Proposal, ...]:
    """Return what writing the files would mean.

    Raises:
        ConfigError: When what is there can't be read.
    """
    return tuple(_proposal(root / path, path, text) for path, text in files.items())


def _proposal(place: Path, path: str, text: str) -> Proposal:
    if not place.exists() and not place.is_symlink():
        return Proposal(path=path, text=text, present=None, state=State.NEW)
    try:
        present = place.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        problem = ConfigProblem(file=path, line=None, key="", text=f"can't be read: {error}")
        raise ConfigError([problem], next_step="move it out of the way") from error
    if present == text:
        state = State.CURRENT
    elif is_untouched(present):
        same = made_from(present) == made_from(text)
        state = State.OUTDATED if same else State.OTHER
    else:
        state = State.CHANGED if "keelway-content:" in present else State.FOREIGN
    return Proposal(path=path, text=text, present=present, state=state)


def write(
    root: Path, proposals: Sequence[Proposal], *, force: bool, command: str = COMMAND
) -> tuple[Proposal, ...]:
    """Write what is new or out of date, and return it; all of it or nothing.

    Args:
        root: The repository's top.
        proposals: What would be written.
        force: Whether files that somebody changed are written over.
        command: What the user typed.

    Raises:
        ConfigError: When there is a file that somebody changed; nothing is written then.
    """
    refused = [] if force else [one for one in proposals if one.state.is_refused]
    if refused:
        raise ConfigError(
            [
                ConfigProblem(file=one.path, line=None, key="", text=f"is {one.state.value}")
                for one in refused
            ],
            next_step="nothing was written; take over what you want of the difference above, move "
            f"your file out of the way, or let `{command} --force` write over it",
        )
    wanted = tuple(one for one in proposals if one.state is not State.CURRENT)
    for one in wanted:
        place = root / one.path
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, one.text)
    return wanted
