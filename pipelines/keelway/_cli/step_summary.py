"""The Markdown of a run, added to what a CI shows beside the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._cli import output
from keelway.errors import KeelwayError
from keelway.report.markdown import LIMIT_BYTES, markdown
from keelway.report.reading import read_report

if TYPE_CHECKING:
    from pathlib import Path

LEAST_BYTES = 4096
"""With less room than this left, the summary is not worth reading."""


def add_summary(report: Path, summary: Path) -> None:
    """Add the Markdown of a report to the summary, which stays below what the CI takes.

    What goes wrong is said and stops nothing: the run is over, and its report is there.

    Args:
        report: The `report.json` of the run.
        summary: The file, to which other commands of the same step may have written.
    """
    try:
        size = summary.stat().st_size if summary.exists() else 0
        room = LIMIT_BYTES - size - len("\n")
        if room < LEAST_BYTES:
            output.notice(f"the summary {summary} is full: see {report.with_name('report.md')}")
            return
        text = markdown(read_report(report), room)
        with summary.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"\n{text}" if size else text)
    except (OSError, KeelwayError) as error:
        output.notice(f"the summary {summary} could not be written: {error}")
