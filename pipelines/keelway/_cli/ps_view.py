"""What the services of a project have come to, as a table or as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keelway.develop.forwards import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.develop.state import ServicePart, StateDocument

_HEAD = ("SERVICE", "STATE", "HEALTH", "PORTS")


def table(state: StateDocument) -> str:
    """Return one line a service."""
    rows = [_HEAD, *(_row(service) for service in state.services)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_padded(row, widths) for row in rows)


def document(state: StateDocument) -> str:
    """Return the services as data."""
    services = [service.model_dump() for service in state.services]
    return json.dumps(services, indent=2, ensure_ascii=False)


def _row(service: ServicePart) -> tuple[str, ...]:
    ports = ", ".join(
        shown(port.address, str(port.published), port.target, port.protocol)
        for port in service.ports
    )
    return service.name, service.state, service.health or "-", ports or "-"


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()
