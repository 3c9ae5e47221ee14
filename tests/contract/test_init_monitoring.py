"""`keelway init monitoring`: files that are renewed, never written over; images by digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Keelway

CONFIG = """\
[project]
name = "shop"
[images.orders]
[monitoring]
prometheus = "{registry}/prom/prometheus:v3"
grafana = "{registry}/grafana/grafana:12"
[monitoring.services.orders]
port = 8080
"""
COMPOSE = 'services: { orders: { image: "localhost:1/orders" } }\n'
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [],
    }
).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"


def registry(asked: Asked) -> Reply:
    if not asked.path.startswith(("/v2/prom/prometheus/", "/v2/grafana/grafana/")):
        return Reply(status=404)
    kind = "application/vnd.oci.image.index.v1+json"
    return Reply(headers={"Content-Type": kind}, body=INDEX)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return tmp_path


def test_files_are_written_renewed_and_left_alone(keelway: Keelway, folder: Path) -> None:
    with answering(registry) as place:
        (folder / "keelway.toml").write_text(CONFIG.format(registry=place))
        done = keelway("init", "monitoring")
        assert done.returncode == 0, done.stderr
    assert "wrote  monitoring/compose.yaml" in done.stdout
    assert (
        f"image: {place}/prom/prometheus:v3@{DIGEST}"
        in (folder / "monitoring" / "compose.yaml").read_text()
    )
    assert DIGEST in (folder / "keelway.lock").read_text()

    # The registry is gone: what is pinned stays so.
    assert keelway("init", "monitoring", "--check").returncode == 0
    with (folder / "keelway.toml").open("a") as file:
        file.write('path = "/status"\n')
    stale = keelway("init", "monitoring", "--diff")
    assert stale.returncode == 1
    assert "+  metrics_path: /status" in stale.stdout
    assert keelway("init", "monitoring").returncode == 0

    rules = folder / "monitoring" / "alerts.yml"
    rules.write_text(rules.read_text() + "# mine\n")
    refused = keelway("init", "monitoring")
    assert refused.returncode == 2
    assert "monitoring/alerts.yml: is changed by hand" in refused.stderr
    assert "`keelway init monitoring --force`" in refused.stderr
    assert rules.read_text().endswith("# mine\n")
    assert keelway("init", "monitoring", "--force").returncode == 0
    assert "# mine" not in rules.read_text()


def test_a_registry_that_is_out_of_reach(keelway: Keelway, folder: Path) -> None:
    (folder / "keelway.toml").write_text(CONFIG.format(registry="127.0.0.1:1"))
    done = keelway("init", "monitoring")
    assert done.returncode == 5
    assert "127.0.0.1:1 cannot be reached" in done.stderr
    assert "with its digest under [monitoring]" in done.stderr
    assert not (folder / "monitoring").exists()


def test_it_runs_only_when_its_files_are_there(keelway: Keelway, folder: Path) -> None:
    (folder / "keelway.toml").write_text(CONFIG.format(registry="127.0.0.1:1"))
    done = keelway("monitoring")
    assert done.returncode == 3
    assert "`keelway init monitoring` writes" in done.stderr
