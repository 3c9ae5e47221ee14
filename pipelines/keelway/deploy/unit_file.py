"""What a unit's `compose.yaml` says, read back from a host.

`keelway.deploy.rendering` writes these files; this reads those parts that running them needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from keelway.deploy.host import STAGE
from keelway.errors import StageError

OWN_KEY = "x-keelway"


def _or_empty(value: object) -> object:
    return {} if value is None else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class UnitService(_Part):
    """One service of a unit."""

    image: str = ""
    """By digest."""
    scale: int = 1
    """How many containers it has."""
    user: str | None = None
    """Whom it runs as; nothing: whom the image says."""


class SecretPlace(_Part):
    """One secret's file for one service."""

    service: str
    secret: str
    """Its name in the configuration."""
    path: str
    """Relative to the unit's folder."""
    uid: int | None = None
    """Its owner; nothing: whom the service runs as."""
    gid: int | None = None
    mode: int = 0o400


class KeptFile(_Part):
    """A file of a service that is not of the release: it is mounted from a place that stays."""

    service: str
    path: str
    """The release's own, relative to the unit's folder."""
    at: str
    """Where it is mounted from, absolute: the same for all releases, so that the service need not
    be made anew by each of them.
    """


class UnitNote(_Part):
    """What keelway keeps about a unit, under `x-keelway`."""

    version: str = ""
    revision: str = ""
    colour: str = ""
    pins: Mapping[str, str] = {}
    """References as they are written in the project's files, and what was taken for them."""
    networks: Mapping[str, bool] = {}
    """Networks that more than one unit is in, and whether they lead nowhere else."""
    volumes: tuple[str, ...] = ()
    """Volumes that more than one unit uses."""
    root: tuple[str, ...] = ()
    """Services that may run as root."""
    secrets: tuple[SecretPlace, ...] = ()
    kept: tuple[KeptFile, ...] = ()


class UnitFile(_Part):
    """A unit's `compose.yaml`."""

    services: Annotated[Mapping[str, UnitService], BeforeValidator(_or_empty)] = {}
    note: UnitNote = Field(default_factory=UnitNote, alias=OWN_KEY)

    @property
    def images(self) -> tuple[str, ...]:
        """Return the references of all images, each once."""
        return tuple(dict.fromkeys(one.image for one in self.services.values() if one.image))


def read_unit_file(data: bytes, *, shown: str = "compose.yaml") -> UnitFile:
    """Return what a unit's `compose.yaml` says.

    Args:
        data: What is in the file.
        shown: What errors call it.

    Raises:
        StageError: It is damaged.
    """
    try:
        return UnitFile.model_validate(yaml.safe_load(data) or {})
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise StageError(
            f"{shown} is damaged",
            stage=STAGE,
            why=str(error),
            next_step="deploy again, or go back to a version before it",
        ) from error
