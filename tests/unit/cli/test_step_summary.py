"""What is added to the summary beside a CI's job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway._cli.step_summary import add_summary
from keelway.report.markdown import LIMIT_BYTES
from keelway.report.writing import write_report
from tests.support.sample_report import sample_report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(sample_report(findings=300), str(tmp_path))


def test_it_stays_below_what_the_ci_takes(report: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("x" * (LIMIT_BYTES - 20_000))
    add_summary(report, summary)
    assert LIMIT_BYTES - 20_000 < summary.stat().st_size <= LIMIT_BYTES
    assert "more left out here" in summary.read_text()


def test_a_full_one_is_left_alone_and_that_is_said(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("x" * LIMIT_BYTES)
    add_summary(report, summary)
    assert summary.stat().st_size == LIMIT_BYTES
    assert "is full: see" in capsys.readouterr().err


def test_one_that_cannot_be_written_stops_nothing(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_summary(report, tmp_path / "missing" / "summary.md")
    assert "could not be written" in capsys.readouterr().err
