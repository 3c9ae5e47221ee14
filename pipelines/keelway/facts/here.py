"""The facts that planning needs beside the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keelway.facts.builder import LOCAL
from keelway.model.history import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.project import Project
    from keelway.config.explain import Place
    from keelway.config.lock import Pin
    from keelway.facts.ci.job import CiJob
    from keelway.model.changes import Changes
    from keelway.model.exemption import Exemption
    from keelway.model.provenance import Builder
    from keelway.tags.commit import Commit

PathKind = Literal["file", "directory", "missing"]


def _no_projects() -> dict[str, Mapping[str, Project]]:
    return {}


def _no_pins() -> dict[str, Pin]:
    return {}


def _nobody() -> Actor:
    return Actor(who="unknown", where="this machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true here and now. The defaults describe a machine where nothing is known."""

    root: Path = field(default_factory=Path)
    """Directory of the configuration file: what its relative paths are relative to."""
    commit: Commit | None = None
    """The commit that is released; none outside of git."""
    no_commit_reason: str = "git was not asked"
    """Why there is no commit, when there is none."""
    job: CiJob | None = None
    """What the CI says of the job that runs here; nothing on a person's machine."""
    notes: tuple[str, ...] = ()
    """What git and the CI say differently, and which of them counts."""
    epoch: int | None = None
    """Seconds since 1970 that every timestamp is set to; from the environment, else the commit."""
    epoch_source: str = "neither SOURCE_DATE_EPOCH nor a commit is there"
    """Where the epoch comes from, in words."""
    variables: frozenset[str] = frozenset()
    """Names of the environment variables that are set and not empty; never their values."""
    programs: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Programs of this machine that were looked for and found: absolute paths."""
    builder: Builder = LOCAL
    """Who builds: this machine, or a CI's job."""
    actor: Actor = field(default_factory=_nobody)
    """Who does it, and from where, for the history and for messages."""
    exemptions: tuple[Exemption, ...] = ()
    """What the exceptions file grants."""
    login_files: tuple[str, ...] = ()
    """Where logins of this machine may be, absolute, the first that exists counts."""
    paths: Mapping[str, PathKind] = field(default_factory=dict[str, PathKind])
    """What each path that the configuration names is, by the text as it is written there."""
    pins: Mapping[str, Pin] = field(default_factory=_no_pins)
    """Base images that `keelway base` pinned in the lock file, by name."""

    changes: Changes | None = None
    """Which images have inputs that changed, where only those are to be built."""
    compose: Project | None = None
    """The compose project of the integration tests, where there are any."""
    deployed: Mapping[str, Mapping[str, Project]] = field(default_factory=_no_projects)
    """The compose projects of deploy targets: by target, and by the project's name on its hosts."""
    place: Place | None = None
    """Where the configuration's keys stand, for what planning finds wrong with them."""

    @property
    def untrusted(self) -> str | None:
        """Return why nothing is published and no secret read here; nothing when all may be."""
        return None if self.job is None else self.job.untrusted

    def kind_of(self, path: str) -> PathKind | None:
        """Return what the path is; nothing when nobody looked."""
        return self.paths.get(path)

    def resolve(self, path: str) -> Path:
        """Return a path of the configuration as an absolute one."""
        return (self.root / path).resolve()
