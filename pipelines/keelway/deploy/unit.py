"""A compose project on a host, and what its services are at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["healthy", "unhealthy", "starting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A compose project on a host."""

    project: str
    """Its name there."""
    folder: str
    """The folder that has its `compose.yaml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """What one container of a service is at."""

    service: str
    container: str
    status: str
    """`running`, `exited`, `created`, ... as the runtime says."""
    health: Health | None
    """Nothing where the service has no health check."""
    exit_code: int | None
    image: str
    ports: tuple[tuple[int, str, int], ...]
    """Container's port, host's address, host's port."""
