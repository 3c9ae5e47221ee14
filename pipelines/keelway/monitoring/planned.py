"""Which services have metrics: by the configuration, and by labels of the compose file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.config.explain import nearest
from keelway.config.monitoring import WatchedConfig
from keelway.errors import PlanError
from keelway.monitoring.spec import MonitoringSpec, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.compose.project import Project, Service
    from keelway.config import Config

SCRAPE, PORT, PATH = "prometheus.io/scrape", "prometheus.io/port", "prometheus.io/path"
"""Labels as many a Prometheus knows them."""
OWN = ("prometheus", "grafana")
_HIGHEST_PORT = 65535


def plan_monitoring(
    config: Config, project: Project, pins: Mapping[str, str], *, folder: str
) -> MonitoringSpec:
    """Return what is watched.

    Args:
        config: What was written.
        project: The services, of all profiles.
        pins: References by digest, by what is pinned: `prometheus` and `grafana`.
        folder: Where the files are, as the project's compose files would name it.

    Raises:
        PlanError: There is no such service, or none has metrics; or a name is taken.
    """
    written = config.monitoring
    _check(config, project)
    services = tuple(_watched(config, project))
    if not services:
        raise PlanError(
            "no service is known to have metrics",
            next_step="say where they are: [monitoring.services.NAME] port = 8080, "
            f'or the label {PORT}: "8080" in the compose file',
        )
    return MonitoringSpec(
        project=project.name,
        folder=folder,
        prometheus=pins["prometheus"],
        grafana=pins["grafana"],
        retention_days=written.retention_days,
        address=written.address,
        prometheus_port=written.prometheus_port,
        grafana_port=written.grafana_port,
        interval_s=written.interval_s,
        services=services,
        networks=_networks(project, services),
    )


def _check(config: Config, project: Project) -> None:
    for name in config.monitoring.services:
        if name not in project.services:
            near = nearest(name, project.services)
            hint = f"did you mean '{near}'? " if near else ""
            raise PlanError(
                f"monitoring.services: the compose file has no service '{name}'",
                next_step=f"{hint}known: {', '.join(project.services)}",
            )
    for name in OWN:
        if name in project.services:
            place = project.services[name].place
            raise PlanError(
                f"{place}: there is a service '{name}' already",
                next_step="give it another name, or keep to your own monitoring",
            )


def _watched(config: Config, project: Project) -> Iterator[Watched]:
    for name, service in project.services.items():
        written = config.monitoring.services.get(name)
        labels = service.labels
        if written is None and (PORT not in labels or labels.get(SCRAPE, "true") != "true"):
            continue
        known = written or WatchedConfig()
        yield Watched(
            name=name,
            port=known.port or _port(service),
            path=known.path or labels.get(PATH, "/metrics"),
            requests=known.requests,
            status_label=known.status_label,
            latency=known.latency,
            max_error_ratio=known.max_error_ratio,
            max_latency_s=known.max_latency_s,
            max_restarts=known.max_restarts,
        )


def _port(service: Service) -> int:
    """Return the port of the label, else the only one that the service has."""
    text = service.labels.get(PORT)
    ports = {port.target for port in service.ports}
    ports |= {int(one) for one in (e.partition("/")[0] for e in service.expose) if one.isdecimal()}
    if text is None and len(ports) == 1:
        return ports.pop()
    if text is None or not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise PlanError(
            f"{service.place}: the port of {service.name}'s metrics is not known",
            next_step=f"set [monitoring.services.{service.name}] port, or the label {PORT}",
        )
    return int(text)


def _networks(project: Project, services: tuple[Watched, ...]) -> tuple[str, ...]:
    """Return networks by which all services are reached; none where the default one does."""
    used = [tuple(project.services[one.name].networks) for one in services]
    found = dict.fromkeys(name for names in used for name in names)
    return () if set(found) <= {"default"} else tuple(found)
