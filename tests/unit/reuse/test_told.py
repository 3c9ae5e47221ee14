"""A result that is reused says so wherever it is told, with the time at which it ran."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from keelway.evidence.predicates.tested import tested as predicate_of
from keelway.model.faults import FaultResult
from keelway.model.load import LoadMeasure, LoadReport, LoadThreshold
from keelway.model.tests import CaseResult, CaseStatus, ServiceResult, SuiteResult, TestResults
from keelway.model.tool import ToolVersion
from keelway.report.from_parts import load_report
from keelway.report.from_parts import test_results as results_of
from keelway.report.load_junit import load_junit
from keelway.report.load_markdown import load_markdown
from keelway.report.parts import load as load_part
from keelway.report.parts import tests as part_of
from keelway.report.tests_files import tests_junit as junit_of
from keelway.report.tests_files import tests_markdown as markdown_of

AT = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
TOLD = "reused: it ran on 2026-11-21 at 09:05 UTC"
FAULT = FaultResult(
    name="db-killed", service="db", probe="http://web:8080/", done="db killed for 3 s",
    expect="recovers", answers={"200": 9}, recovered_s=1.0, within_s=10, ran_at=AT, reused=True,
)  # fmt: skip
SUITE = SuiteResult(
    name="api", platform=None, images=("web",), cases=(CaseResult(name="get"),), code=0,
    faults=(FAULT,), ran_at=AT, reused=True,
)  # fmt: skip
RESULTS = TestResults(suites=(SUITE,))
LOAD = LoadReport(
    script="load.js",
    target="http://web:8080",
    measure=LoadMeasure(
        counted="http", requests=9, error_rate=0, throughput=3, avg_ms=1, p50_ms=1, p90_ms=2,
        p95_ms=2, p99_ms=3, max_ms=3,
    ),
    thresholds=(LoadThreshold(metric="m", expression="p(95)<9", crossed=False),),
    tool=ToolVersion(name="k6", version="1.8.1", source="host"),
    summary="load/summary.json",
    log="load/k6.log",
    ran_at=AT,
    reused=True,
)  # fmt: skip


def test_people_read_it() -> None:
    told = SUITE.told()
    assert TOLD in told[0]
    assert TOLD in told[1]  # the experiment
    assert markdown_of(RESULTS).count(TOLD) == 2
    assert TOLD in load_markdown(LOAD)


@pytest.mark.parametrize("text", [junit_of(RESULTS), load_junit(LOAD)])
def test_junit_has_the_time_and_a_property(text: str) -> None:
    (suite,) = ET.fromstring(text)  # noqa: S314 - our own
    assert suite.get("timestamp") == "2026-11-21T09:05:07"
    found = suite.find("properties/property")
    assert found is not None
    assert (found.get("name"), found.get("value")) == ("reused", "true")


def test_the_report_keeps_it() -> None:
    suites, figures = part_of(RESULTS), load_part(LOAD)
    assert suites is not None
    assert figures is not None
    said = json.loads(suites.model_dump_json())["suites"][0]
    assert (said["ran_at"], said["reused"]) == ("2026-11-21T09:05:07Z", True)
    assert results_of(suites) == RESULTS
    assert load_report(figures) == LOAD


def test_what_is_attested_tells_when_each_suite_ran() -> None:
    """Signed now, it must not say that the tests ran now."""
    said = predicate_of((), (SUITE,), configuration="00")
    assert said["result"] == "PASSED"
    (configuration,) = said["configuration"]
    assert configuration["annotations"] == {"ranAt": {"api": "2026-11-21T09:05:07Z"}}


@pytest.mark.parametrize(
    ("suite", "sound"),
    [
        (SuiteResult(name="api", platform=None, cases=(CaseResult(name="get"),)), True),
        (SuiteResult(name="api", platform=None), False),  # no tests
        (
            SuiteResult(
                name="api", platform=None, cases=(CaseResult(name="a", status=CaseStatus.ERROR),)
            ),
            False,
        ),
        (
            SuiteResult(
                name="api",
                platform=None,
                cases=(CaseResult(name="get"),),
                services=(ServiceResult(name="db", state="healthy", restarts=1),),
            ),
            False,  # it passed beside a service that broke
        ),
    ],
)
def test_only_what_is_sound_is_reused(suite: SuiteResult, *, sound: bool) -> None:
    assert suite.sound is sound
