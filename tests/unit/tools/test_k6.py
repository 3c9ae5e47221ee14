"""k6's command lines and summaries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keelway._tools.k6 import reason, run_argv
from keelway._tools.k6_summary import parse_summary
from keelway.errors import ToolOutputError
from keelway.loadtest.scripts import ProbeSpec, entry_script, probe_script

ASSETS = Path(__file__).parents[2] / "assets"
CROSSED = (ASSETS / "k6_crossed.json").read_text()
"""120 requests by k6 1.8.1, half of them answered by 404, with four thresholds, one crossed."""

START = (
    "run --quiet --no-color --no-usage-report --address  --summary-export /work/s.json"
    " --summary-trend-stats avg,min,med,max,p(90),p(95),p(99)"
)


def test_the_whole_command_line() -> None:
    assert " ".join(run_argv("/load/a.js", "/work/s.json")) == f"{START} /load/a.js"
    argv = run_argv("/load/a.js", "/work/s.json", vus=5, duration_s=30, iterations=100)
    assert " ".join(argv) == f"{START} --vus 5 --duration 30s --iterations 100 /load/a.js"


def test_its_control_port_is_closed() -> None:
    argv = run_argv("a.js", "s.json")
    assert argv[argv.index("--address") + 1] == ""


def test_a_real_summary() -> None:
    summary = parse_summary(CROSSED)
    measure = summary.measure
    assert measure is not None
    assert (measure.counted, measure.requests, measure.error_rate) == ("http", 120, 0.5)
    assert round(measure.throughput) == 1063
    assert (measure.checks_passed, measure.checks_failed) == (60, 0)
    times = (measure.p50_ms, measure.p90_ms, measure.p95_ms, measure.p99_ms, measure.max_ms)
    assert [round(time, 2) for time in times] == [1.58, 4.41, 5.17, 18.68, 20.29]
    assert [(one.text, one.crossed) for one in summary.thresholds] == [
        ("checks: rate>0.9", False),
        ("http_req_duration: p(95)<500", False),
        ("http_req_duration: p(99)<0.001", True),
        ("http_req_duration{name:list}: p(50)<300", False),
    ]


def test_a_script_without_requests_is_measured_by_its_turns() -> None:
    document = json.loads(CROSSED)
    metrics = document["metrics"]
    document["metrics"] = {name: metrics[name] for name in ("iterations", "iteration_duration")}
    measure = parse_summary(json.dumps(document)).measure
    assert measure is not None
    assert (measure.counted, measure.requests, measure.error_rate) == ("iterations", 60, 0)


def test_a_test_that_did_nothing_measured_nothing() -> None:
    assert parse_summary('{"metrics": {"vus": {"value": 1}}}').measure is None


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"metrics": []}',
        '{"metrics": {"http_reqs": {"count": 1}, "http_req_duration": {"avg": 1}}}',
        '{"version": "1.0.0", "results": {"metrics": []}}',
    ],
)  # fmt: skip
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ToolOutputError, match="another form"):
        parse_summary(text)


def test_every_exit_code_has_a_reason() -> None:
    assert reason(104) == "its options are wrong"
    assert reason(255) == "k6 broke"


def test_thresholds_are_put_to_a_script() -> None:
    text = entry_script('/load/it\'s "odd".js', {"checks": ("rate>0.9",)})
    assert 'import * as script from "/load/it\'s \\"odd\\".js";' in text
    assert (
        'Object.assign({"http_req_failed": ["rate<0.01"]}, own.thresholds, {"checks": '
        '["rate>0.9"]})'
    ) in text


def test_a_probe_asks_for_its_paths_in_turn() -> None:
    text = probe_script(ProbeSpec(paths=("/a", "/b"), requests=3, concurrency=5), {})
    assert 'const paths = ["/a", "/b"];' in text
    assert "vus: 3,\n  iterations: 3," in text
    assert "expectedStatuses({ min: 200, max: 399 })" in text
    assert "expectedStatuses(200, 404)" in probe_script(ProbeSpec(statuses=(200, 404)), {})
