"""What of a load test speaks against a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.load import measure_text
from keelway.model.verdict import Breach, Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.load import LoadReport

THRESHOLD = "load-threshold"
REGRESSION = "load-regression"
MARKED = "load-failed"


def against_load(report: LoadReport) -> Iterator[Breach]:
    """Yield each threshold that was crossed, and each figure that is worse than allowed."""
    for threshold in report.crossed():
        text = f"{threshold.text} was crossed ({measure_text(report.measure)})"
        yield _breach(report, Condition(id=THRESHOLD, text=text, where=threshold.text))
    for one in report.regressed():
        yield _breach(report, Condition(id=REGRESSION, text=one.text, where=one.figure))
    if report.marked:
        yield _breach(report, Condition(id=MARKED, text=f"{report.script} called the test failed"))


def _breach(report: LoadReport, what: Condition) -> Breach:
    return Breach(image=report.host, platform=None, what=what, because="load")
