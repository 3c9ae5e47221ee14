"""[monitoring]: Prometheus and Grafana for the services, as a profile of the compose project."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from keelway.config.section import Section, Text
from keelway.tags.reference import parse_reference

METRIC_PATTERN = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
LABEL_PATTERN = r"^[a-zA-Z_][a-zA-Z0-9_]*$"

Metric = Annotated[str, StringConstraints(pattern=METRIC_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]


def _image(value: str) -> str:
    parse_reference(value)
    return value


Image = Annotated[Text, AfterValidator(_image)]


class WatchedConfig(Section):
    """A service that has metrics, and when somebody is to be told."""

    port: Port | None = None
    """Where its metrics are; that of its label `prometheus.io/port` when absent."""
    path: Annotated[str, StringConstraints(pattern=r"^/\S*$")] | None = None
    """The path of its metrics; that of its label `prometheus.io/path`, else `/metrics`."""
    requests: Metric = "http_requests_total"
    """The counter of its requests."""
    status_label: Annotated[str, StringConstraints(pattern=LABEL_PATTERN)] = "status"
    """The counter's label that has the status, as in `"503"`."""
    latency: Metric = "http_request_duration_seconds"
    """The histogram of how long requests take, in seconds."""
    max_error_ratio: Annotated[float, Field(gt=0, le=1)] = 0.05
    """An alert is raised when a larger part of the requests is answered with 5xx."""
    max_latency_s: Annotated[float, Field(gt=0)] = 1.0
    """An alert is raised when one of a hundred requests takes longer. Seconds."""
    max_restarts: Annotated[int, Field(ge=1)] = 3
    """An alert is raised when it starts again more often within a quarter of an hour."""


class MonitoringConfig(Section):
    """What `keelway init monitoring` writes."""

    folder: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$")] = (
        "monitoring"
    )
    """Where its files go, relative to the configuration."""
    prometheus: Image = "docker.io/prom/prometheus:v3.5.0"
    """Prometheus' image. A tag is pinned by digest in `keelway.lock`."""
    grafana: Image = "docker.io/grafana/grafana:12.1.0"
    """Grafana's image, likewise."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 15
    """How long Prometheus keeps what it saw."""
    address: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F:.]+$")] = "127.0.0.1"
    """Where the two listen on the host. There is no login: keep it to this machine."""
    prometheus_port: Port = 9090
    """Prometheus' port on the host."""
    grafana_port: Port = 3000
    """Grafana's port on the host."""
    interval_s: Annotated[int, Field(ge=1, le=3600)] = 15
    """How often metrics are fetched. Seconds."""
    services: Mapping[Text, WatchedConfig] = {}
    """Services with metrics, by their names in the compose file, beside those with labels."""
