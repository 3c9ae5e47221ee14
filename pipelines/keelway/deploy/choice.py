"""What is decided about a unit before its file is written, and what the writing gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.deploy.unit_file import SecretPlace
    from keelway.model.registry import RegistrySpec

COLOURS = ("blue", "green")


class Part(StrEnum):
    """Which of a project's services a unit has."""

    ALL = "all"
    SHARED = "shared"
    """Those that are not of the release: databases and the like, beside both colours."""
    COLOUR = "colour"
    """Those whose images are of the release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a service may use."""

    cpus: float = 1.0
    memory: int = 512 * 1024**2
    """Bytes."""
    pids: int = 256
    scratch: int = 64 * 1024**2
    """Bytes in each folder that is memory."""
    log_size: str = "10m"
    log_files: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChoice:
    """What is particular to one service."""

    scratch: tuple[str, ...] = ()
    """Folders in memory, beside `/tmp`."""
    cpus: float | None = None
    memory: int | None = None
    pids: int | None = None
    allow: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it may do though others may not, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How a unit's file is to be written."""

    target: str
    """The deploy target's name: `web` of `[deploy.web]`, for messages."""
    project: str
    """The unit's compose project on the hosts."""
    folder: str
    """The unit's folder on the hosts, absolute: what is mounted from it is named whole, so that
    compose programs see that a service has the files of another release.
    """
    version: str
    revision: str = ""
    """The commit that the release was built from."""
    images: Mapping[str, str]
    """Each image of the release, by name: its reference by digest."""
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which service is which image, where their names do not tell."""
    registries: tuple[RegistrySpec, ...] = ()
    """Where images are published: a service that names one of their images is of the release."""
    pins: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other images, as they are written: their references by digest."""
    part: Part = Part.ALL
    colour: str = ""
    """Of a unit that is `COLOUR`: what its services find in `DEPLOYMENT_COLOR`."""
    ports: Mapping[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """Of a colour: by service and its port, the loopback's port; any free one where not named."""
    secrets: tuple[str, ...] = ()
    """Names of the secrets that have a source."""
    services: Mapping[str, ServiceChoice] = field(default_factory=dict[str, ServiceChoice])
    limits: Limits = field(default_factory=Limits)

    @property
    def kept(self) -> str:
        """Return the folder of files that outlive releases, beside the folder `releases`."""
        return f"{self.folder.partition('/releases/')[0]}/kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A file that a service is given, which is no secret."""

    path: str
    """Relative to the unit's folder."""
    mode: int
    source: Path | None = None
    """The file here that it is a copy of."""
    content: str | None = None
    """What is in it, where there is no such file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedUnit:
    """A unit, as it is put on a host."""

    project: str
    compose: bytes
    """Its `compose.yaml`: the same bytes for the same input."""
    services: tuple[str, ...]
    """What it has, in the files' order."""
    images: tuple[str, ...]
    """By digest."""
    configs: tuple[ConfigFile, ...] = ()
    secrets: tuple[SecretPlace, ...] = ()
    """The files that secrets become; their values are not here."""
    told: tuple[str, ...] = ()
    """What was decided for the user, and what of the files is not done: a line each."""
