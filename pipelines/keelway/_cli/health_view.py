"""Whether all services of a project are well, as a table or as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.running_view import now
from keelway.errors import KeelwayError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.develop.state import ServicePart, StateDocument

HEALTH_SCHEMA = "keelway.health/1"
_HEAD = ("SERVICE", "", "STATE", "HEALTH", "RESTARTS")


def show_health(name: str | None, files: Sequence[Path], *, as_json: bool) -> None:
    """Print how each service is.

    Raises:
        KeelwayError: One of them is not well.
        PlanError: There is no such project.
    """
    state = now(name, files)
    rows = (_HEAD, *(_row(service) for service in state.services))
    output.result(_document(state) if as_json else table(rows))
    ill = [one for one in state.services if not is_well(one)]
    if ill:
        raise KeelwayError(
            f"{len(ill)} of {len(state.services)} services of {state.name} are not well",
            why="; ".join(_told(one) for one in ill),
            next_step=f"`keelway logs {ill[0].name}` shows what it wrote",
        )


def is_well(service: ServicePart) -> bool:
    """Return whether a service is as it should be.

    >>> from keelway.develop.state import ServicePart
    >>> is_well(ServicePart(name="web", state="running", health="starting"))
    False
    >>> is_well(ServicePart(name="migrate", state="exited (0)", code=0))
    True
    """
    if service.state == "running":
        return service.health in {"", "healthy"}
    return service.state.startswith("exited") and service.code == 0


def _told(service: ServicePart) -> str:
    how = service.health or service.state
    return f"{service.name} is {how}{f' ({service.why})' if service.why else ''}"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with their columns below each other; the first one is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    cells = (zip(row, widths, strict=True) for row in rows)
    return "\n".join("  ".join(f"{text:<{width}}" for text, width in row).rstrip() for row in cells)


def _row(service: ServicePart) -> tuple[str, ...]:
    mark = "ok" if is_well(service) else "NO"
    return service.name, mark, service.state, service.health or "-", str(service.restarts)


def _document(state: StateDocument) -> str:
    services = [
        {
            "service": one.name,
            "well": is_well(one),
            "state": one.state,
            "health": one.health or None,
            "restarts": one.restarts,
            "why": one.why or None,
        }
        for one in state.services
    ]
    document = {
        "schema": HEALTH_SCHEMA,
        "project": state.name,
        "phase": state.phase,
        "well": all(is_well(one) for one in state.services),
        "services": services,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
