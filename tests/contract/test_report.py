"""`keelway report`, and the summary beside a CI's job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.report.writing import write_report
from tests.support.sample_report import sample_report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Keelway

CONFIG = """\
[project]
name = "shop"
[images.orders]
[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
[report]
directory = "out"
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report where a run without a configuration of its own leaves it."""
    return write_report(sample_report(), str(tmp_path / ".keelway"))


def test_it_makes_all_pages_beside_the_report(keelway: Keelway, report: Path) -> None:
    done = keelway("report")
    assert done.returncode == 0, done.stderr
    names = {line.rpartition(".keelway/")[2] for line in done.stdout.splitlines()}
    assert {"report.html", "report.md", "report.junit.xml", "badges/gate.svg"} <= names
    for name in names:
        assert (report.parent / name).stat().st_size


def test_a_form_a_file_and_a_place_can_be_chosen(
    keelway: Keelway, report: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "kept-1.json"
    report.rename(moved)
    done = keelway("report", "kept-1.json", "-f", "markdown", "-f", "html", "--to", "site")
    assert done.stdout.split() == ["site/report.md", "site/report.html"]
    assert not (report.parent / "report.html").exists()


def test_one_file_can_be_printed(keelway: Keelway, report: Path) -> None:
    done = keelway("report", str(report.parent), "--format", "markdown", "--to", "-")
    assert done.stdout.startswith("### shop 1.4.0: refused\n")
    done = keelway("report", "--format", "badge", "--to", "-")
    assert (done.returncode, done.stdout) == (1, "")
    assert "standard output takes one file, and these are 10" in done.stderr


def test_it_looks_where_the_configuration_says(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    write_report(sample_report(), str(tmp_path / "out"))
    done = keelway("report", "--format", "html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


def test_no_report_is_an_error_that_says_what_to_do(keelway: Keelway, tmp_path: Path) -> None:
    done = keelway("report")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot read .keelway/report.json: No such file or directory" in done.stderr
    assert "run `keelway release` first" in done.stderr
    (tmp_path / "odd.json").write_text("<html>")
    done = keelway("report", "odd.json")
    assert done.returncode == 1
    assert "odd.json is no report of this version of keelway" in done.stderr


def test_a_failed_run_leaves_its_pages_and_adds_a_summary(keelway: Keelway, tmp_path: Path) -> None:
    """It fails for want of an engine."""
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    summary = tmp_path / "summary.md"
    summary.write_text("### of another tool\n")
    variables = {"PATH": "/nonexistent", "GITHUB_STEP_SUMMARY": str(summary)}
    done = keelway("build", "--engine", "dagger", **variables)
    assert done.returncode == 4, done.stderr
    assert f"page    {tmp_path / 'out' / 'report.html'}" in done.stderr
    for name in ("report.json", "report.html", "report.md", "badges/build.svg"):
        assert (tmp_path / "out" / name).stat().st_size
    assert "tried: Dagger" in (tmp_path / "out" / "report.html").read_text()
    text = summary.read_text()
    assert text.startswith("### of another tool\n\n### shop: failed\n")
    assert text.endswith((tmp_path / "out" / "report.md").read_text())


def test_nobody_has_to_have_a_summary(keelway: Keelway, tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(f"{CONFIG}summary = false\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    variables = {"PATH": "/nonexistent", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert keelway("build", "--engine", "dagger", **variables).returncode == 4
    assert not (tmp_path / "summary.md").exists()
