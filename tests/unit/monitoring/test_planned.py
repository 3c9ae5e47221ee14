"""Which services are watched, and what is written for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from keelway.ci_templates.seal import is_untouched, seal
from keelway.compose.loader import load_project
from keelway.config import Config
from keelway.config.document import read_document
from keelway.config.lock import Pin, parse_lock, parse_lock_file, render_lock
from keelway.errors import ConfigError, PlanError
from keelway.monitoring.files import monitoring_files
from keelway.monitoring.planned import plan_monitoring

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.compose.project import Project
    from keelway.monitoring.spec import MonitoringSpec

DIGEST = "sha256:" + "b" * 64
PINS = {
    "prometheus": f"docker.io/prom/prometheus:v3@{DIGEST}",
    "grafana": f"docker.io/grafana/grafana:12@{DIGEST}",
}
COMPOSE = """\
name: shop
services:
  orders:
    image: localhost:1/orders
    ports: ["8080:8080"]
    networks: [front, back]
  worker:
    image: localhost:1/worker
    profiles: [prod]
    labels: { prometheus.io/port: "9000", prometheus.io/path: /status/metrics }
    networks: [back]
  quiet:
    image: localhost:1/quiet
    labels: { prometheus.io/scrape: "false", prometheus.io/port: "9000" }
  db:
    image: localhost:1/db
networks: { front: {}, back: {} }
"""


def configured(text: str = "") -> Config:
    base = '[project]\nname = "shop"\n[images.orders]\n'
    return read_document(base + text, "keelway.toml", Config).value


def project(folder: Path, text: str = COMPOSE) -> Project:
    (folder / "compose.yaml").write_text(text)
    return load_project([folder / "compose.yaml"], environment={}, profiles=("*",))


def planned(folder: Path, text: str = "[monitoring.services.orders]\n") -> MonitoringSpec:
    return plan_monitoring(configured(text), project(folder), PINS, folder="monitoring")


def test_services_by_configuration_and_by_label(tmp_path: Path) -> None:
    spec = planned(tmp_path)
    found = {one.name: (one.port, one.path) for one in spec.services}
    assert found == {"orders": (8080, "/metrics"), "worker": (9000, "/status/metrics")}
    assert sorted(spec.networks) == ["back", "front"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[monitoring.services.order]\n", "did you mean 'orders'?"),
        ("[monitoring.services.db]\n", "the port of db's metrics is not known"),
    ],
)
def test_what_cannot_be_watched_is_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        planned(tmp_path, text)
    assert said in caught.value.diagnostics()


def test_nothing_to_watch(tmp_path: Path) -> None:
    bare = project(tmp_path, 'services: { db: { image: "localhost:1/db" } }\n')
    with pytest.raises(PlanError, match="no service is known to have metrics"):
        plan_monitoring(configured(), bare, PINS, folder="monitoring")


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    taken = project(tmp_path, COMPOSE.replace("  db:", "  grafana:"))
    with pytest.raises(PlanError, match=r"compose\.yaml:\d+: there is a service 'grafana'"):
        plan_monitoring(configured(), taken, PINS, folder="monitoring")


def test_what_is_no_metric_or_label() -> None:
    with pytest.raises(ConfigError):
        configured('[monitoring.services.orders]\nrequests = "a} or vector(1"\n')
    with pytest.raises(ConfigError):
        configured('[monitoring.services.orders]\nstatus_label = "a-b"\n')


def test_the_compose_file_is_merged_with_the_projects_own(tmp_path: Path) -> None:
    spec = planned(tmp_path)
    folder = tmp_path / "monitoring"
    for path, text in monitoring_files(spec).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    files = [tmp_path / "compose.yaml", folder / "compose.yaml"]
    assert "prometheus" not in load_project(files, environment={}).services
    whole = load_project(files, environment={}, profiles=("monitoring",))
    for name in ("prometheus", "grafana"):
        service = whole.services[name]
        assert service.image == PINS[name]
        assert (service.read_only, service.cap_drop) == (True, ("ALL",))
        assert service.security_opt == ("no-new-privileges:true",)
        assert service.limits.memory is not None
        assert service.healthcheck is not None
        assert {port.host_ip for port in service.ports} == {"127.0.0.1"}
        assert sorted(service.networks) == ["back", "front"]
        for grant in service.configs:
            source = whole.configs[grant.source]
            assert source.file is not None
            assert source.file.is_file(), source.file


def test_files_know_whether_somebody_changed_them(tmp_path: Path) -> None:
    for path, text in monitoring_files(planned(tmp_path)).items():
        sealed = seal(path, text, version="1.0", by="keelway init monitoring")
        assert is_untouched(sealed)
        assert not is_untouched(sealed + "#")
        if path.endswith(".yml"):
            assert yaml.safe_load(sealed) == yaml.safe_load(text)


def test_pins_of_both_kinds_stay_beside_each_other() -> None:
    base = {"python": Pin(reference=f"localhost:1/python@{DIGEST}", inputs="x")}
    others = {"grafana": Pin(reference=PINS["grafana"], inputs="grafana:12")}
    text = render_lock(base, others)
    assert parse_lock(text) == base
    assert parse_lock_file(text).monitoring == others
