"""What is written is read by Prometheus itself, and has the form of Grafana's dashboards."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from keelway.monitoring.files import monitoring_files
from keelway.monitoring.grafana import SOURCE_UID
from keelway.monitoring.prometheus import RULES_PATH
from tests.support.leftovers import wait_until
from tests.support.missing import need
from tests.support.web_handler import Asked, Reply, answering
from tests.unit.monitoring.test_planned import planned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METRICS = """\
# TYPE http_requests_total counter
http_requests_total{status="200"} 90
http_requests_total{status="503"} 10
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1700000000
"""
SERIES = """\
rule_files: [alerts.yml]
evaluation_interval: 15s
tests:
  - interval: 1m
    input_series:
      - { series: 'up{job="orders"}', values: "1 0 0 0 0 0 0 0 0 0 0" }
      - { series: 'http_requests_total{job="orders",status="200"}', values: "0+90x30" }
      - { series: 'http_requests_total{job="orders",status="503"}', values: "0+10x30" }
      - { series: 'http_request_duration_seconds_bucket{job="orders",le="0.5"}', values: "0+50x30" }
      - { series: 'http_request_duration_seconds_bucket{job="orders",le="5"}', values: "0+99x30" }
      - { series: 'http_request_duration_seconds_bucket{job="orders",le="+Inf"}',
          values: "0+100x30" }
      - { series: 'process_start_time_seconds{job="orders"}', values: "1 2 3 4 5 6 7 8 9 10 11" }
      - { series: 'up{job="worker"}', values: "1x30" }
      - { series: 'http_requests_total{job="worker",status="200"}', values: "0+90x30" }
      - { series: 'process_start_time_seconds{job="worker"}', values: "1x30" }
    alert_rule_test:
      - eval_time: 10m
        alertname: ServiceDown
        exp_alerts:
          - exp_labels: { severity: critical, service: orders, job: orders }
            exp_annotations: { summary: "orders does not answer" }
      - eval_time: 10m
        alertname: ServerErrors
        exp_alerts:
          - exp_labels: { severity: critical, service: orders }
            exp_annotations: { summary: "orders answers more than 5% of requests with 5xx" }
      - eval_time: 10m
        alertname: SlowRequests
        exp_alerts:
          - exp_labels: { severity: warning, service: orders }
            exp_annotations: { summary: "one of a hundred requests to orders takes more than 1 s" }
      - eval_time: 10m
        alertname: Restarts
        exp_alerts:
          - exp_labels: { severity: warning, service: orders, job: orders }
            exp_annotations: { summary: "orders has started more than 3 times in 15 minutes" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files, which name each other where they are here."""
    place = tmp_path / "monitoring"
    (place / "grafana").mkdir(parents=True)
    for path, text in monitoring_files(planned(tmp_path)).items():
        (place / path).write_text(text.replace(RULES_PATH, str(place / "alerts.yml")))
    return place


def promtool(*words: str) -> None:
    program = need("promtool", package="prometheus")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_reads_its_configuration(folder: Path) -> None:
    promtool("check", "config", str(folder / "prometheus.yml"))
    promtool("check", "rules", str(folder / "alerts.yml"))


def test_alerts_are_raised_for_who_is_ill_and_nobody_else(folder: Path) -> None:
    (folder / "series.yml").write_text(SERIES)
    promtool("test", "rules", str(folder / "series.yml"))


def dashboards(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((folder / "grafana").glob("*.json")):
        yield json.loads(file.read_text())


def test_dashboards_have_grafanas_form(folder: Path) -> None:
    found = list(dashboards(folder))
    assert [one["title"] for one in found] == ["orders", "worker"]
    assert len({one["uid"] for one in found}) == 2
    for one in found:
        assert len(one["uid"]) <= 40
        known = Dashboard.from_json(one)
        assert known.title == one["title"]
        assert known.panels is not None
        assert len(known.panels) == len(one["panels"])
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in one["panels"]}
        assert len(places) == len(one["panels"])
        assert {panel["datasource"]["uid"] for panel in one["panels"]} == {SOURCE_UID}


def test_every_expression_of_a_dashboard_is_one(folder: Path) -> None:
    expressions = [
        target["expr"]
        for one in dashboards(folder)
        for panel in one["panels"]
        for target in panel["targets"]
    ]
    rules = [{"record": f"it:{n}", "expr": text} for n, text in enumerate(expressions)]
    file = folder / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", str(file))


def test_prometheus_fetches_the_metrics_of_a_service(folder: Path) -> None:
    program = need("prometheus", package="prometheus")
    plain = {"Content-Type": "text/plain; version=0.0.4"}

    def answer(asked: Asked) -> Reply:
        known = asked.path == "/metrics"
        return Reply(headers=plain, body=METRICS.encode()) if known else Reply(status=404)

    log = folder / "prometheus.log"
    with answering(answer) as place, log.open("wb") as said:
        file = folder / "prometheus.yml"
        text = file.read_text().replace("orders:8080", place)
        file.write_text(text.replace("scrape_interval: 15s", "scrape_interval: 1s")
                        .replace("scrape_timeout: 10s", "scrape_timeout: 1s"))  # fmt: skip
        command = [program, f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
                   "--web.listen-address=127.0.0.1:0"]  # fmt: skip
        with subprocess.Popen(command, stdout=said, stderr=said) as process:
            try:
                assert wait_until(lambda: up(log) == "1", seconds=60), log.read_text()
            finally:
                process.terminate()


def up(log: Path) -> str:
    """Return what Prometheus says of the service; nothing while it says nothing."""
    found = re.search(r'"Listening on" address=(\S+)', log.read_text())
    if found is None:
        return ""
    try:
        asked = httpx.get(
            f"http://{found[1]}/api/v1/query",
            params={"query": 'up{job="orders"} * on(job) group_left sum by (job) '
                             '(http_requests_total{job="orders"} == bool 90)'},
            timeout=5,
        )  # fmt: skip
    except httpx.HTTPError:
        return ""
    result = asked.json().get("data", {}).get("result", [])
    return result[0]["value"][1] if result else ""
