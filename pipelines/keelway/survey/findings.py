"""What a look at a repository found. Nothing here is decided yet.

Example:
    >>> Findings(folder="shop").dockerfiles
    ()
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.dockerfile import Dockerfile


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDockerfile:
    """One Dockerfile that can be read."""

    path: str
    """Relative to the repository, with slashes, as all paths here."""
    parsed: Dockerfile
    context: str
    """The folder nearest to it that holds what it copies."""
    lacks: tuple[str, ...] = ()
    """What it copies and no folder around it has."""
    has_ignore_file: bool = True
    """Whether something says what of the context is not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that no image is made of, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBuild:
    """A compose service or a step of a CI that builds an image."""

    where: str
    """The file, and the service or the step in it."""
    name: str
    """What it calls the image; empty when it does not."""
    context: str
    dockerfile: str
    """Relative to the repository."""
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRepository:
    """A repository of a registry that something here pushes to."""

    repository: str
    """With its host, without a tag."""
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlatforms:
    """Platforms that something here builds for."""

    platforms: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a language's own file says of the project."""

    path: str
    language: str
    name: str = ""
    description: str = ""
    licenses: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is true of the machine that looks."""

    platform: str = "linux/amd64"
    runs: frozenset[str] = frozenset({"linux/amd64"})
    """Platforms whose programs run here, be it emulated."""
    logins: frozenset[str] = frozenset()
    """Hosts of registries that somebody is logged in to."""
    has_database: bool = True
    """Whether a registry that has Trivy's database answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All of it."""

    folder: str
    """The repository's own name."""
    dockerfiles: tuple[FoundDockerfile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    builds: tuple[FoundBuild, ...] = ()
    suites: tuple[tuple[str, str], ...] = ()
    """Compose services that are tests, each with its file."""
    repositories: tuple[FoundRepository, ...] = ()
    platforms: tuple[FoundPlatforms, ...] = ()
    """Said of all images together."""
    rules: tuple[str, ...] = ()
    """Tag rules of docker/metadata-action, which are keelway's too."""
    rules_from: str = ""
    ci: tuple[str, ...] = ()
    """Files of CIs."""
    manifests: tuple[Manifest, ...] = ()
    remote: str = ""
    notes: tuple[str, ...] = ()
    """What could not be read or understood."""
    machine: Machine = field(default_factory=Machine)
