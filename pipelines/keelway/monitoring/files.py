"""All files of the monitoring, by their paths. Pure.

The compose file has the two services under the profile `monitoring`; it is merged with the
project's own: `docker compose -f compose.yaml -f monitoring/compose.yaml --profile monitoring up`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from keelway.monitoring.grafana import (
    DASHBOARDS_PATH,
    dashboard,
    dashboard_providers,
    data_sources,
)
from keelway.monitoring.prometheus import (
    CONFIG_PATH,
    PORT,
    RULES_PATH,
    alert_rules,
    prometheus_config,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.monitoring.spec import MonitoringSpec

PROFILE = "monitoring"
COMPOSE_FILE = "compose.yaml"
_GRAFANA_PORT = 3000
_PROVISIONING = "/etc/grafana/provisioning"


def monitoring_files(spec: MonitoringSpec) -> Mapping[str, str]:
    """Return the text of each file, by its path below the monitoring's folder."""
    return {
        COMPOSE_FILE: compose_file(spec),
        "prometheus.yml": prometheus_config(spec),
        "alerts.yml": alert_rules(spec),
        "grafana/datasources.yml": data_sources(),
        "grafana/dashboards.yml": dashboard_providers(spec),
        **{f"grafana/{one.name}.json": dashboard(spec, one) for one in spec.services},
    }


def compose_file(spec: MonitoringSpec) -> str:
    """Return the compose file: hardened, listening on the host as the configuration says."""
    configs = {
        "prometheus": "prometheus.yml",
        "prometheus-alerts": "alerts.yml",
        "grafana-datasources": "grafana/datasources.yml",
        "grafana-dashboards": "grafana/dashboards.yml",
        **{f"grafana-{one.name}": f"grafana/{one.name}.json" for one in spec.services},
    }
    document: dict[str, Any] = {
        "services": {"prometheus": _prometheus(spec), "grafana": _grafana(spec)},
        "volumes": {"prometheus-data": {}, "grafana-data": {}},
        "configs": {name: {"file": f"./{spec.folder}/{file}"} for name, file in configs.items()},
    }
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)


def _prometheus(spec: MonitoringSpec) -> dict[str, Any]:
    return {
        "image": spec.prometheus,
        **_hardened(spec, memory="512M"),
        "command": [
            f"--config.file={CONFIG_PATH}",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={spec.retention_days}d",
        ],
        "ports": [_port(spec, spec.prometheus_port, PORT)],
        "volumes": ["prometheus-data:/prometheus"],
        "configs": [_config("prometheus", CONFIG_PATH), _config("prometheus-alerts", RULES_PATH)],
        "healthcheck": _health(f"http://127.0.0.1:{PORT}/-/healthy"),
    }


def _grafana(spec: MonitoringSpec) -> dict[str, Any]:
    return {
        "image": spec.grafana,
        **_hardened(spec, memory="512M"),
        "environment": {
            # Whoever reaches it may look and nobody may change: what it shows is in these files.
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        "ports": [_port(spec, spec.grafana_port, _GRAFANA_PORT)],
        "volumes": ["grafana-data:/var/lib/grafana"],
        "configs": [
            _config("grafana-datasources", f"{_PROVISIONING}/datasources/keelway.yml"),
            _config("grafana-dashboards", f"{_PROVISIONING}/dashboards/keelway.yml"),
            *(
                _config(f"grafana-{one.name}", f"{DASHBOARDS_PATH}/{one.name}.json")
                for one in spec.services
            ),
        ],
        "depends_on": {"prometheus": {"condition": "service_healthy"}},
        "healthcheck": _health(f"http://127.0.0.1:{_GRAFANA_PORT}/api/health"),
    }


def _hardened(spec: MonitoringSpec, *, memory: str) -> dict[str, Any]:
    return {
        "profiles": [PROFILE],
        "restart": "unless-stopped",
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - in the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "deploy": {"resources": {"limits": {"memory": memory}}},
        **({"networks": list(spec.networks)} if spec.networks else {}),
    }


def _port(spec: MonitoringSpec, published: int, target: int) -> str:
    address = f"[{spec.address}]" if ":" in spec.address else spec.address
    return f"{address}:{published}:{target}"


def _config(source: str, target: str) -> dict[str, str]:
    return {"source": source, "target": target}


def _health(address: str) -> dict[str, Any]:
    return {
        "test": ["CMD", "wget", "--quiet", "--output-document=-", address],
        "interval": "10s",
        "timeout": "5s",
        "start_period": "60s",
        "retries": 3,
    }
