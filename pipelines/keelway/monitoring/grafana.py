"""Grafana's provisioning, and one dashboard a service. Pure.

https://grafana.com/docs/grafana/latest/administration/provisioning/ and .../dashboards/json-model/.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import yaml

from keelway.monitoring.prometheus import PORT, error_ratio, latency, request_rate, restarts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.monitoring.spec import MonitoringSpec, Watched

SOURCE_UID = "keelway-prometheus"
DASHBOARDS_PATH = "/etc/grafana/dashboards"
_SCHEMA_VERSION = 39
_WIDTH, _HEIGHT = 12, 8
_SOURCE = {"type": "prometheus", "uid": SOURCE_UID}


def data_sources() -> str:
    """Return the provisioning of Prometheus as the source of all dashboards."""
    source = {
        "name": "Prometheus",
        "uid": SOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://prometheus:{PORT}",
        "isDefault": True,
        "editable": False,
    }
    return _yaml({"apiVersion": 1, "datasources": [source]})


def dashboard_providers(spec: MonitoringSpec) -> str:
    """Return the provisioning that loads the dashboards."""
    provider = {
        "name": "keelway",
        "folder": spec.project,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "options": {"path": DASHBOARDS_PATH},
    }
    return _yaml({"apiVersion": 1, "providers": [provider]})


def dashboard(spec: MonitoringSpec, service: Watched) -> str:
    """Return the dashboard of a service."""
    name = service.name
    process = f'{{job="{name}"}}'
    panels = [
        _panel("Answers", [(f"up{process}", "up")], unit="bool"),
        _panel("Requests a second", [(request_rate(service), "requests")], unit="reqps"),
        _panel("Part of requests with 5xx", [(error_ratio(service), "5xx")], unit="percentunit"),
        _panel(
            "How long requests take",
            [(latency(service, part), f"{part:.0%} below") for part in (0.5, 0.95, 0.99)],
            unit="s",
        ),
        _panel("Starts in 15 minutes", [(restarts(service), "starts")], unit="short"),
        _panel("Memory", [(f"process_resident_memory_bytes{process}", "resident")], unit="bytes"),
        _panel(
            "Processor", [(f"rate(process_cpu_seconds_total{process}[5m])", "cores")], unit="short"
        ),
    ]
    return json.dumps(
        {
            "uid": dashboard_uid(spec.project, name),
            "title": name,
            "description": f"Metrics of {name}",
            "tags": ["keelway", spec.project],
            "schemaVersion": _SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": []},
            "annotations": {"list": []},
            "panels": [_placed(panel, index) for index, panel in enumerate(panels)],
        },
        indent=2,
    ) + "\n"  # fmt: skip


def dashboard_uid(project: str, service: str) -> str:
    """Return a name that no other dashboard has: at most 40 characters."""
    return f"keelway-{hashlib.sha256(f'{project}/{service}'.encode()).hexdigest()[:16]}"


def _panel(title: str, expressions: Sequence[tuple[str, str]], *, unit: str) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True,
                       "calcs": []},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "editorMode": "code",
                "range": True,
            }
            for number, (expression, legend) in enumerate(expressions)
        ],
    }  # fmt: skip


def _placed(panel: dict[str, Any], index: int) -> dict[str, Any]:
    column, row = index % 2, index // 2
    place = {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT}
    return {"id": index + 1, "gridPos": place, **panel}


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)
