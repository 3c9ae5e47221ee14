"""What is watched, and where the watchers are: decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One service with metrics."""

    name: str
    port: int
    path: str
    requests: str
    status_label: str
    latency: str
    max_error_ratio: float
    max_latency_s: float
    max_restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSpec:
    """All that the files are made of."""

    project: str
    folder: str
    """Where the files are, as the compose files would name it: `monitoring`."""
    prometheus: str
    """Reference by digest."""
    grafana: str
    """Reference by digest."""
    retention_days: int
    address: str
    prometheus_port: int
    grafana_port: int
    interval_s: int
    services: tuple[Watched, ...]
    networks: tuple[str, ...] = ()
    """The networks, beside the default one, by which services are reached."""
