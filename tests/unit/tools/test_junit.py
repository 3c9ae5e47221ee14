"""JUnit's XML as tools write it."""

from __future__ import annotations

import pytest

from keelway._tools.junit_report import parse_junit
from keelway.errors import ToolOutputError
from keelway.model.tests import CaseStatus


def test_every_ending_is_told_apart() -> None:
    cases = parse_junit(
        "<testsuites><testsuite name='a'>"
        "<testcase classname='c' name='ok' time='1,000.5'/>"
        "<testcase name='bad'><failure message='no'>line one\nline two</failure>"
        "<system-out>said</system-out></testcase>"
        "<testcase name='broke'><error type='ValueError'/></testcase>"
        "<testsuite name='inner'><testcase name='not today'><skipped/></testcase></testsuite>"
        "</testsuite></testsuites>"
    )
    assert [(case.label, case.status, case.message) for case in cases] == [
        ("c.ok", CaseStatus.PASSED, ""),
        ("bad", CaseStatus.FAILED, "no"),
        ("broke", CaseStatus.ERROR, "ValueError"),
        ("not today", CaseStatus.SKIPPED, "skipped"),
    ]
    assert cases[0].seconds == 1000.5
    assert cases[1].output == "line one\nline two\nsaid"


@pytest.mark.parametrize(
    "text",
    ["", "no xml", "<html/>", "<testsuite>", '<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>'],
)
def test_what_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ToolOutputError, match="not a JUnit file"):
        parse_junit(text)
