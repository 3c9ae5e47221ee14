"""Prometheus' configuration and its alerts. Pure.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/ and .../alerting_rules/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.monitoring.spec import MonitoringSpec, Watched

CONFIG_PATH = "/etc/prometheus/prometheus.yml"
RULES_PATH = "/etc/prometheus/alerts.yml"
PORT = 9090


def prometheus_config(spec: MonitoringSpec) -> str:
    """Return `prometheus.yml`: each service is a job of its own."""
    return _yaml(
        {
            "global": {
                "scrape_interval": f"{spec.interval_s}s",
                "scrape_timeout": f"{min(spec.interval_s, 10)}s",
                "evaluation_interval": f"{spec.interval_s}s",
                "external_labels": {"project": spec.project},
            },
            "rule_files": [RULES_PATH],
            "scrape_configs": [
                {"job_name": "prometheus", "static_configs": [_target(f"localhost:{PORT}")]},
                *(_job(one) for one in spec.services),
            ],
        }
    )


def alert_rules(spec: MonitoringSpec) -> str:
    """Return `alerts.yml`: one group a service."""
    return _yaml(
        {
            "groups": [
                {"name": one.name, "rules": list(_rules(one, spec.interval_s))}
                for one in spec.services
            ]
        }
    )


def request_rate(service: Watched, *, more: str = "") -> str:
    """Return the expression for a service's requests a second."""
    return f'sum(rate({service.requests}{{job="{service.name}"{more}}}[5m]))'


def error_ratio(service: Watched) -> str:
    """Return the expression for the part of a service's requests that is answered with 5xx."""
    failed = request_rate(service, more=f',{service.status_label}=~"5.."')
    return f"{failed} / {request_rate(service)}"


def latency(service: Watched, quantile: float) -> str:
    """Return the expression for what a part of a service's requests stays below. Seconds."""
    buckets = f'rate({service.latency}_bucket{{job="{service.name}"}}[5m])'
    return f"histogram_quantile({quantile}, sum by (le) ({buckets}))"


def restarts(service: Watched) -> str:
    """Return the expression for how often a service's process began anew of late."""
    return f'changes(process_start_time_seconds{{job="{service.name}"}}[15m])'


def _job(service: Watched) -> dict[str, Any]:
    return {
        "job_name": service.name,
        "metrics_path": service.path,
        "static_configs": [_target(f"{service.name}:{service.port}")],
    }


def _target(address: str) -> dict[str, Any]:
    return {"targets": [address]}


def _rules(service: Watched, interval_s: int) -> Iterator[dict[str, Any]]:
    name = service.name
    yield _rule(
        service,
        "ServiceDown",
        f'up{{job="{name}"}} == 0 or absent(up{{job="{name}"}})',
        wait_s=max(60, 3 * interval_s),
        severity="critical",
        summary=f"{name} does not answer",
    )
    yield _rule(
        service,
        "ServerErrors",
        f"{error_ratio(service)} > {service.max_error_ratio:g}",
        wait_s=300,
        severity="critical",
        summary=f"{name} answers more than {service.max_error_ratio:.0%} of requests with 5xx",
    )
    yield _rule(
        service,
        "SlowRequests",
        f"{latency(service, 0.99)} > {service.max_latency_s:g}",
        wait_s=300,
        severity="warning",
        summary=f"one of a hundred requests to {name} takes more than {service.max_latency_s:g} s",
    )
    yield _rule(
        service,
        "Restarts",
        f"{restarts(service)} > {service.max_restarts}",
        wait_s=0,
        severity="warning",
        summary=f"{name} has started more than {service.max_restarts} times in 15 minutes",
    )


def _rule(
    service: Watched, alert: str, expression: str, *, wait_s: int, severity: str, summary: str
) -> dict[str, Any]:
    return {
        "alert": alert,
        "expr": expression,
        "for": f"{wait_s}s",
        "labels": {"severity": severity, "service": service.name},
        "annotations": {"summary": summary},
    }


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)
