"""What the load stage is to do, and what its figures come to."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pydantic import ValidationError

from keelway.compose.project import Place, Project, Service
from keelway.config import (
    Config,
    ImageConfig,
    LoadConfig,
    ProbeConfig,
    ProjectConfig,
    RegressionConfig,
)
from keelway.errors import PlanError
from keelway.facts import Facts
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec
from keelway.loadtest.compared import RegressionSpec, compare, kept_figures, parse_released
from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
from keelway.loadtest.spec import LoadSpec
from keelway.model.exemption import Exemption, Scope
from keelway.model.load import LoadMeasure, LoadRegression, LoadReport, LoadThreshold
from keelway.model.outcome import Skipped
from keelway.model.reuse import ReuseSpec
from keelway.model.tool import HostTool, ToolVersion
from keelway.report import parts
from keelway.report.load_junit import load_junit
from keelway.report.load_markdown import load_markdown
from keelway.stages.load import plan_load

ROOT = Path("/project")
HERE = Facts(root=ROOT, programs={"k6": Path("/bin/k6")}, paths={"load/test.js": "file"})
SKIPPED = Skipped("not in this test")
MEASURE = LoadMeasure(
    counted="http", requests=200, error_rate=0.005, throughput=400, avg_ms=12, p50_ms=10,
    p90_ms=20, p95_ms=40, p99_ms=80, max_ms=100, checks_passed=199, checks_failed=1,
)  # fmt: skip
REPORT = LoadReport(
    script="load/test.js",
    target="http://orders:8080",
    measure=MEASURE,
    thresholds=(
        LoadThreshold(metric="http_req_duration", expression="p(95)<30", crossed=True),
        LoadThreshold(metric="http_req_failed", expression="rate<0.01", crossed=False),
    ),
    tool=ToolVersion(name="k6", version="1.8.1", source="host"),
    summary="load/summary.json",
    log="load/k6.log",
    seconds=1.5,
)


def plan(load: LoadConfig, facts: Facts = HERE) -> LoadSpec | Skipped:
    project = ProjectConfig(name="shop")
    return plan_load(Config(project=project, images={"orders": ImageConfig()}, load=load), facts)


def test_a_target_of_the_compose_file_is_started_as_written_there() -> None:
    place = Place(file=ROOT / "compose.yaml", line=3)
    services = {name: Service(name=name, place=place, image=name) for name in ("db", "orders")}
    here = replace(
        HERE,
        programs={**HERE.programs, "busybox": Path("/bin/busybox")},
        compose=Project(name="shop", folder=ROOT, files=(), services=services),
    )
    probe = ProbeConfig()
    spec = plan(LoadConfig(probe=probe, target="http://orders:8080"), here)
    assert isinstance(spec, LoadSpec)
    assert spec.beside is not None
    assert (spec.beside.services, spec.beside.built) == (("orders",), {"orders": "orders"})
    for written, facts in (
        (LoadConfig(probe=probe, target="http://orders:8080", alone=True), here),
        (LoadConfig(probe=probe, target="http://other:8080"), here),
        (LoadConfig(probe=probe, target="http://orders:8080"), HERE),
    ):
        spec = plan(written, facts)
        assert isinstance(spec, LoadSpec)
        assert spec.beside is None


def test_a_script_is_planned() -> None:
    written = LoadConfig(
        script="load/test.js", files=("*.json",), target="http://orders:8080", vus=3,
        thresholds={"http_req_duration": ("p(95)<300",)},
        regression=RegressionConfig(latency="12.5 %", throughput="20%", error_rate=0.01),
    )  # fmt: skip
    assert plan(written) == LoadSpec(
        test=ScriptSpec(path="/project/load/test.js", shown="load/test.js", files=("*.json",)),
        target="http://orders:8080",
        thresholds={"http_req_duration": ("p(95)<300",)},
        vus=3,
        regression=RegressionSpec(latency_percent=12.5, throughput_percent=20, error_rate=0.01),
        reuse=ReuseSpec(days=1),
        tool=HostTool(path="/bin/k6"),
        directory="/project/.keelway",
    )


def test_a_probe_is_planned() -> None:
    spec = plan(LoadConfig(probe=ProbeConfig(paths=("/health",)), target="http://orders"))
    assert isinstance(spec, LoadSpec)
    assert (spec.test, spec.shown, spec.host) == (ProbeSpec(paths=("/health",)), "probe", "orders")


def test_without_a_test_there_is_none() -> None:
    assert "are absent" in str(plan(LoadConfig()))
    off = LoadConfig(enabled=False, probe=ProbeConfig(), target="http://orders")
    assert plan(off) == Skipped("load.enabled is false")


def test_what_is_missing_is_named() -> None:
    gone = LoadConfig(script="gone.js", target="http://orders")
    with pytest.raises(PlanError, match=r"there is no file gone\.js"):
        plan(gone, replace(HERE, paths={"gone.js": "missing"}))
    with pytest.raises(PlanError, match="k6 is not installed"):
        plan(LoadConfig(probe=ProbeConfig(), target="http://orders"), Facts())


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"script": "a.js", "probe": {}, "target": "http://a"}, "are both given"),
        ({"script": "a.js"}, "target is missing"),
        ({"probe": {}, "target": "http://a", "vus": 3}, "are a script's"),
        ({"probe": {}, "target": "orders:8080"}, "target"),
        ({"probe": {"paths": ["health"]}, "target": "http://a"}, "paths"),
        ({"regression": {"latency": "25"}}, "latency"),
        ({"thresholds": {"checks": []}}, "thresholds"),
        ({"duration": 3}, "duration"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        LoadConfig.model_validate_json(json.dumps(keys))


def test_crossed_thresholds_are_refused_unless_excepted() -> None:
    today = date(2026, 3, 1)
    verdict = judge(GateSpec(), SKIPPED, SKIPPED, None, REPORT, today=today)
    (reason,) = verdict.reasons()
    assert reason == (
        "load-threshold: http_req_duration: p(95)<30 was crossed (200 requests, 400/s, p50 10.0 "
        "ms, p95 40.0 ms, p99 80.0 ms, max 100.0 ms, 0.50% failed) (orders)"
    )
    granted = Exemption(
        id="load-threshold", reason="new disks are ordered", owner="ops",
        expires=date(2026, 4, 1), scope=Scope(image="orders", path="http_req_duration: *"),
    )  # fmt: skip
    excepted = judge(GateSpec(exemptions=(granted,)), SKIPPED, SKIPPED, None, REPORT, today=today)
    assert excepted.passed
    assert len(excepted.excepted) == 1


def test_a_regression_and_a_script_that_says_no_are_refused() -> None:
    worse = LoadRegression(figure="latency", text="slower than before", crossed=True)
    report = replace(REPORT, thresholds=(), regressions=(worse,), marked=True)
    verdict = judge(GateSpec(), SKIPPED, SKIPPED, None, report, today=date(2026, 3, 1))
    assert [breach.id for breach in verdict.breaches] == ["load-failed", "load-regression"]


@pytest.mark.parametrize(
    ("now", "crossed"),
    [
        (MEASURE, []),
        (replace(MEASURE, p95_ms=59, throughput=301, error_rate=0.014), []),
        (replace(MEASURE, p95_ms=61), ["latency"]),
        (replace(MEASURE, throughput=299), ["throughput"]),
        (replace(MEASURE, error_rate=0.016), ["error rate"]),
    ],
)
def test_figures_are_held_against_the_last_release(now: LoadMeasure, crossed: list[str]) -> None:
    spec = RegressionSpec(latency_percent=50, throughput_percent=25, error_rate=0.01)
    found = compare(spec, now, MEASURE)
    assert [one.figure for one in found if one.crossed] == crossed


def test_a_few_milliseconds_are_no_regression() -> None:
    before, now = replace(MEASURE, p95_ms=1), replace(MEASURE, p95_ms=5.9)
    assert not compare(RegressionSpec(latency_percent=10), now, before)[0].crossed
    assert compare(RegressionSpec(latency_percent=10, slack_ms=0), now, before)[0].crossed
    assert compare(RegressionSpec(), now, before) == ()


def test_only_a_release_that_was_published_is_kept() -> None:
    part = parts.load(REPORT)
    assert part is not None
    document = {"outcome": "ok", "published": [{}], "load": part.model_dump()}
    kept = kept_figures(json.dumps(document))
    assert kept is not None
    released = parse_released(kept)
    assert released is not None
    assert asdict(released.measure) == asdict(MEASURE)
    assert kept_figures(json.dumps({**document, "outcome": "refused"})) is None
    assert kept_figures(json.dumps({**document, "published": None})) is None
    assert kept_figures(json.dumps({**document, "load": None})) is None
    assert kept_figures("") is None
    assert parse_released('{"script": "a", "target": "b", "measure": {"p95_ms": 1}}') is None


def test_thresholds_are_junit_cases() -> None:
    better = LoadRegression(figure="throughput", text="it is fine", crossed=False)
    root = ET.fromstring(load_junit(replace(REPORT, regressions=(better,), notes=("odd \x00",))))  # noqa: S314 - our own text
    suite = root[0]
    assert suite.attrib["name"] == "load/test.js (http://orders:8080)"
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "1")
    cases = suite.findall("testcase")
    assert [case.attrib["name"] for case in cases] == [
        "the test took place",
        "http_req_duration: p(95)<30",
        "http_req_failed: rate<0.01",
        "throughput against the last release",
    ]
    assert [case.find("failure") is not None for case in cases] == [False, True, False, False]
    assert "199 of 200 checks passed" in str(suite.findtext("system-out"))


def test_the_page_has_the_figures_beside_those_of_the_last_release() -> None:
    page = load_markdown(replace(REPORT, released=replace(MEASURE, p95_ms=20)))
    assert page.startswith("# Load test: failed\n")
    assert "| 95th percentile | 40.0 ms | 20.0 ms |" in page
    assert "| `http_req_duration: p(95)<30` | **crossed** |" in page
    assert "| `http_req_failed: rate<0.01` | held |" in page
    assert "last release" not in load_markdown(REPORT)
