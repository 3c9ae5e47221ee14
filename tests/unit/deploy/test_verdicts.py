"""What measurements come to: the whole table."""

from __future__ import annotations

import pytest

from keelway.deploy.verdicts import Answer, Limits, Mark, Verdict, Wanted, judge, mark, worst

MARKS = {"+": Mark.GOOD, "-": Mark.BAD, "?": Mark.UNCLEAR, ".": Mark.UNMEASURED}
GOOD, BAD, OPEN = Verdict.SUCCESSFUL, Verdict.FAILED, Verdict.INCONCLUSIVE
THREE = Limits(count=3)
FORGIVING = Limits(count=4, failure_limit=1, unclear_limit=1)
IN_A_ROW = Limits(count=5, failure_limit=2, successes_in_a_row=3)


@pytest.mark.parametrize(
    ("limits", "seen", "verdict"),
    [
        (THREE, "", None),
        (THREE, "++", None),
        (THREE, "+++", GOOD),
        (THREE, "-", BAD),
        (THREE, "++-", BAD),
        (THREE, "?", OPEN),
        (THREE, "?-", BAD),  # what failed is known, whatever else is not
        (THREE, "+..+.+", GOOD),  # what could not be measured does not count
        (THREE, "++..", None),
        (THREE, "++....", OPEN),
        (THREE, "....", OPEN),
        (FORGIVING, "+-+", None),
        (FORGIVING, "+-++", GOOD),
        (FORGIVING, "-+-", BAD),
        (FORGIVING, "?+", None),
        (FORGIVING, "?-++", GOOD),
        (FORGIVING, "??", OPEN),
        (FORGIVING, "?--", BAD),
        (Limits(count=2, unclear_limit=2), "??", OPEN),  # nothing good was seen
        (Limits(count=2, failure_limit=2), "--", OPEN),
        (IN_A_ROW, "+++", GOOD),
        (IN_A_ROW, "-+++", GOOD),
        (IN_A_ROW, "++-+", None),
        (IN_A_ROW, "++-++", OPEN),  # never three in a row
        (IN_A_ROW, "-+-+-", BAD),
        (IN_A_ROW, "++.+", GOOD),
    ],
)
def test_the_verdict_of_a_series(limits: Limits, seen: str, verdict: Verdict | None) -> None:
    assert judge(limits, [MARKS[one] for one in seen]) is verdict


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ((), GOOD),
        ((GOOD, GOOD), GOOD),
        ((GOOD, OPEN), OPEN),
        ((OPEN, BAD, GOOD), BAD),
    ],
)
def test_several_checks_come_to_the_worst_of_them(
    verdicts: tuple[Verdict, ...], verdict: Verdict
) -> None:
    assert worst(verdicts) is verdict


LATE = Wanted(latency_ms=100, unclear_ms=300)


@pytest.mark.parametrize(
    ("wanted", "answer", "found", "said"),
    [
        (Wanted(), Answer(status=204), Mark.GOOD, "status 204 after 0 ms"),
        (Wanted(), Answer(status=302), Mark.GOOD, "status 302 after 0 ms"),
        (Wanted(), Answer(status=503), Mark.BAD, "status 503"),
        (Wanted(statuses=(404,)), Answer(status=404), Mark.GOOD, "status 404 after 0 ms"),
        (Wanted(statuses=(404,)), Answer(status=200), Mark.BAD, "status 200"),
        (Wanted(), Answer(said="refused"), Mark.BAD, "no answer (refused)"),
        (Wanted(), Answer(asked=False, said="no curl"), Mark.UNMEASURED, "no curl"),
        (Wanted(body="o+k"), Answer(status=200, body="all ok"), Mark.GOOD, "status 200 after 0 ms"),
        (Wanted(body="ok"), Answer(status=200), Mark.BAD, "status 200, but no 'ok' in it"),
        (LATE, Answer(status=200, took_s=0.1), Mark.GOOD, "status 200 after 100 ms"),
        (LATE, Answer(status=200, took_s=0.2), Mark.UNCLEAR, "status 200 after 200 ms"),
        (LATE, Answer(status=200, took_s=0.4), Mark.BAD, "status 200 after 400 ms"),
        (Wanted(latency_ms=9), Answer(status=200, took_s=1), Mark.BAD, "status 200 after 1000 ms"),
    ],
)
def test_what_an_answer_is(wanted: Wanted, answer: Answer, found: Mark, said: str) -> None:
    assert mark(wanted, answer) == (found, said)
