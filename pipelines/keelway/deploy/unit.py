"""A compose project on a host, and what is said when one of its services is not well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._tools.compose_program import UNIT_FILE
from keelway.deploy.host import STAGE
from keelway.errors import StageError, tail
from keelway.model.service_state import Health, ServiceState

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Health", "ServiceState", "UnhealthyError", "Unit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A compose project on a host: what is started, looked at and stopped together."""

    project: str
    """Of which the names of its containers begin."""
    folder: str
    """The folder on the host, absolute, that has its `compose.yaml`."""

    @property
    def file(self) -> str:
        """Return the path of its `compose.yaml`."""
        return f"{self.folder}/{UNIT_FILE}"


class UnhealthyError(StageError):
    """A service is not well: which one, why, and what it wrote last."""

    def __init__(
        self,
        message: str,
        *,
        service: str,
        host: str,
        logs: str = "",
        health_log: Sequence[str] = (),
    ) -> None:
        """Keep all that helps to see why."""
        super().__init__(message, stage=STAGE)
        self.service = service
        self.host = host
        self.logs = logs
        self.health_log = tuple(health_log)

    def details(self) -> list[str]:
        """Return what its health check said and what it wrote, the newest last."""
        lines = super().details()
        if self.health_log:
            lines.append(f"health check of {self.service}:")
            lines.extend(f"  {row}" for one in self.health_log for row in one.splitlines())
        shown = tail(self.logs).splitlines()
        lines.append(f"last lines of {self.service}:" if shown else f"{self.service} wrote nothing")
        return [*lines, *(f"  {row}" for row in shown)]
