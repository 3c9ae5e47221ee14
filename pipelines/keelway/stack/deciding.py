"""What a service runs, as its image and the compose file say together (Compose Specification).

Example:
    >>> from keelway.compose.project import Place, Service
    >>> from pathlib import Path
    >>> from keelway.stack.images import ImageSettings
    >>> image = ImageSettings(entrypoint=("/entry",), command=("serve",))
    >>> place = Place(file=Path("compose.yaml"), line=1)
    >>> decided_command(Service(name="web", place=place, command=("check",)), image)
    ('/entry', 'check')
    >>> decided_command(Service(name="web", place=place, entrypoint=("sh", "-c", "x")), image)
    ('sh', '-c', 'x')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.project import Condition, Dependency
from keelway.stack.supervise import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.project import Service
    from keelway.stack.images import ImageSettings

_SECOND_NS = 1_000_000_000


def decided_command(service: Service, image: ImageSettings) -> tuple[str, ...]:
    """Return entrypoint and command: an entrypoint that is given takes the image's CMD away."""
    if service.entrypoint is not None:
        return (*service.entrypoint, *(service.command or ()))
    return (*image.entrypoint, *(image.command if service.command is None else service.command))


def decided_probe(service: Service, image: ImageSettings) -> Probe | None:
    """Return the health check: what the file does not say is the image's, else the default."""
    own, there = service.healthcheck, image.healthcheck
    if own is not None and own.disabled:
        return None
    test = own.test if own is not None and own.test is not None else tuple(there.get("Test") or ())
    if not test or test[0] == "NONE" or len(test) == 1:
        return None
    words = test[1:]
    if test[0] == "CMD-SHELL":
        words = (*image.shell, *words)

    def seconds(written: float | None, key: str, default: float) -> float:
        if written is not None:
            return written
        return int(there.get(key) or 0) / _SECOND_NS or default

    retries = own.retries if own is not None and own.retries is not None else there.get("Retries")
    return Probe(
        command=words,
        interval_s=seconds(own.interval_s if own else None, "Interval", 30.0),
        timeout_s=seconds(own.timeout_s if own else None, "Timeout", 30.0),
        retries=int(retries or 3),
        start_period_s=seconds(own.start_period_s if own else None, "StartPeriod", 0.0),
        start_interval_s=seconds(own.start_interval_s if own else None, "StartInterval", 5.0),
    )


def ready_conditions(
    services: Mapping[str, Service], probes: Mapping[str, Probe | None]
) -> dict[str, Condition]:
    """Return what each service must come to before anybody who says nothing himself uses it.

    One that others wait for until it has ended is waited for in the same way; then whoever has a
    health check must be healthy, and the others must be started.
    """
    ending = {
        name
        for service in services.values()
        for name, wanted in service.depends_on.items()
        if wanted.condition is Condition.COMPLETED
    }
    return {
        name: (
            Condition.COMPLETED
            if name in ending
            else Condition.HEALTHY
            if probes.get(name) is not None
            else Condition.STARTED
        )
        for name in services
    }


def decided_waits(
    service: Service,
    services: Mapping[str, Service],
    probes: Mapping[str, Probe | None],
    *,
    waits_for_all: bool,
) -> dict[str, Dependency]:
    """Return what a service waits for.

    Args:
        service: The service.
        services: Those that are started.
        probes: Their health checks.
        waits_for_all: Whether one that says nothing waits for all others, as tests do.
    """
    if waits_for_all and not service.depends_on:
        return {
            name: Dependency(service=name, condition=condition)
            for name, condition in ready_conditions(services, probes).items()
            if name != service.name
        }
    return {name: wanted for name, wanted in service.depends_on.items() if name in services}
