"""A service of a compose project on a host, as the engine there sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["healthy", "unhealthy", "starting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One container of a service; a service that runs more than once has as many."""

    service: str
    """Its name in the compose file."""
    container: str
    """The container's id."""
    status: str
    """`created`, `running`, `restarting`, `paused`, `exited`, `dead`, as the engine says it."""
    health: Health | None
    """What its health check says; nothing where it has none."""
    exit_code: int
    """Of its last end; 0 while it never ended."""
    image: str
    """What the container was made from, as the compose file names it: `repository@sha256:...`."""
    image_id: str
    """The image's id on that host."""
    digests: tuple[str, ...] = ()
    """All references by digest that the engine knows its image by."""
    ports: tuple[tuple[int, str, int], ...] = ()
    """Published ports: the container's, the host's address, the host's."""
    restarts: int = 0
    """How often the engine started it again by itself."""
    restart_policy: str = "no"
    """When the engine starts it again: `no`, `always`, `on-failure`, `unless-stopped`."""
    health_log: tuple[str, ...] = ()
    """What the last runs of its health check said, the newest last."""
    health_interval_s: float | None = None
    """Seconds between two runs of its health check."""

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return self.status == "running"

    @property
    def is_done(self) -> bool:
        """Whether it was to run once, and did so well."""
        return self.status == "exited" and self.exit_code == 0 and self.restart_policy == "no"
