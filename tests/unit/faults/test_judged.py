"""What an experiment saw, held against what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keelway.compose.project import Dependency, Place, Project, Service
from keelway.faults.judged import judge, parse_record, result
from keelway.faults.spec import FaultSpec
from keelway.model.tests import CaseStatus
from keelway.stack.spec import StackSpec

PLACE = Place(file=Path("compose.yaml"), line=1)
SERVICES = {
    "db": Service(name="db", place=PLACE),
    "web": Service(name="web", place=PLACE, depends_on={"db": Dependency(service="db")}),
}
PROJECT = Project(name="shop", folder=Path("/shop"), files=(), services=SERVICES)
STEADY = "answer steady 90 1 0 200\nmark 100 steady\n"
OVER = "mark 110 injected\nmark 400 over\n"
BACK = "answer after 401 1 0 200\nmark 520 recovered 120\n"
GOOD, BAD, BROKEN = CaseStatus.PASSED, CaseStatus.FAILED, CaseStatus.ERROR


def spec(expect: Any = "stays-up", **more: Any) -> FaultSpec:
    """Return an experiment."""
    given: dict[str, Any] = {"recovers_within_s": 5, **more}
    return FaultSpec(
        name="db-killed", service="db", fault="kill", probe="http://web/ready", expect=expect,
        beside=StackSpec(project=PROJECT, services=("web",)), **given,
    )  # fmt: skip


def said(expect: Any, during: str, after: str = BACK, **more: Any) -> dict[str, CaseStatus]:
    """Return how each case ended, for what was seen during the fault."""
    seen = parse_record(STEADY + during + OVER + after)
    return {case.name: case.status for case in judge(spec(expect, **more), seen)}


def messages(expect: Any, during: str, after: str = BACK, **more: Any) -> str:
    """Return what is said of it."""
    seen = parse_record(STEADY + during + OVER + after)
    return "\n".join(case.message for case in judge(spec(expect, **more), seen))


@pytest.mark.parametrize(
    ("expect", "statuses", "verdict"),
    [
        ("stays-up", (200, 200), GOOD),
        ("stays-up", (200, 503), BAD),
        ("stays-up", (0, 200), BAD),
        ("stays-up", (), BAD),
        ("degrades", (503, 503), GOOD),
        ("degrades", (200, 503), GOOD),  # it takes a moment to notice
        ("degrades", (503, 200), BAD),  # the fault still lasts
        ("degrades", (200, 200), BAD),
        ("degrades", (500, 503), BAD),
        ("degrades", (0, 503), BAD),
    ],
)
def test_what_is_expected_meanwhile(
    expect: str, statuses: tuple[int, ...], verdict: CaseStatus
) -> None:
    during = "".join(f"answer fault 120 2 0 {status}\n" for status in statuses)
    assert said(expect, during) == {"steady-state": GOOD, expect: verdict, "recovers": GOOD}


def test_one_that_must_only_recover_may_answer_anything() -> None:
    assert said("recovers", "answer fault 120 2 0 0 refused\n") == {
        "steady-state": GOOD, "recovers": GOOD,
    }  # fmt: skip


def test_other_paths_answer_all_the_time() -> None:
    during = "answer fault 120 2 0 503\nanswer fault 125 2 1 {}\n"
    for status, verdict in ((204, GOOD), (302, GOOD), (503, BAD), (0, BAD)):
        ended = said("degrades", during.format(status), unaffected=("/",))
        assert ended["unaffected"] is verdict, status


def test_the_words_tell_what_when_and_how_often() -> None:
    during = "answer fault 120 30 0 0 not answered in 5 s\n" * 5
    assert messages("stays-up", during).strip() == (
        "db killed for 3 s: http://web/ready answered no answer (not answered in 5 s) after 0.5 s, "
        "no answer (not answered in 5 s) after 0.5 s, no answer (not answered in 5 s) after 0.5 s, "
        "and 2 more (of 5 answers)"
    )


def test_recovery_has_its_time_and_its_limit() -> None:
    during = "answer fault 120 2 0 200\n"
    seen = parse_record(STEADY + during + OVER + BACK)
    recovery = judge(spec(), seen)[-1]
    assert (recovery.name, recovery.status, recovery.seconds) == ("recovers", GOOD, 1.2)
    late = said("stays-up", during, BACK.replace("recovered 120", "recovered 501"))
    assert late["recovers"] is BAD
    never = "answer after 401 1 0 503\nmark 900 lost\n"
    assert said("stays-up", during, never)["recovers"] is BAD
    assert "not recovered within 5 s: at last http://web/ready answered 503" in (
        messages("stays-up", during, never)
    )


def test_what_was_not_well_before_is_an_error_and_nothing_else_is_judged() -> None:
    seen = parse_record("answer steady 90 1 0 500\nmark 100 unsteady\n")
    (case,) = judge(spec(), seen, "its log")
    assert (case.name, case.status, case.output) == ("steady-state", BROKEN, "its log")
    assert case.message == "not well before the fault: http://web/ready answered 500"
    assert result(spec(), seen, log=None).told == "db-killed: db killed for 3 s: not begun"


def test_a_fault_that_cannot_be_done_is_an_error() -> None:
    seen = parse_record(STEADY + "mark 5000 impossible db is healthy, and not hurt after 40 s")
    ended = judge(spec(), seen)
    assert [(case.name, case.status) for case in ended] == [
        ("steady-state", GOOD), ("injected", BROKEN),
    ]  # fmt: skip
    assert "not hurt after 40 s" in ended[1].message


def test_answers_are_counted_for_the_report() -> None:
    during = "answer fault 120 2 0 200\nanswer fault 125 41 0 503\nanswer fault 130 2 0 0 refused\n"
    seen = parse_record(STEADY + during * 2 + OVER + BACK)
    told = result(spec(), seen, log="x.log")
    assert told.answers == {"200": 2, "503": 2, "none": 2}
    assert (told.slowest_s, told.recovered_s, told.log) == (0.41, 1.2, "x.log")


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of an experiment's record: 'sh: oops'"):
        parse_record("sh: oops")
