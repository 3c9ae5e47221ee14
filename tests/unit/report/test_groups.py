"""Plain lines on a CI: details are folded as that CI can, one group at a time."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from keelway.model.events import (
    Event,
    ItemEnded,
    ItemStarted,
    StageEnded,
    StageStarted,
    StepEnded,
    StepStarted,
)
from keelway.model.outcome import Status
from keelway.model.progress_form import ProgressForm
from keelway.report.terminal import open_terminal

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def step(name: str) -> tuple[Event, ...]:
    return (StepStarted(step=name, name=name), StepEnded(step=name, cached=False, seconds=2))


RUN: tuple[Event, ...] = (
    StageStarted(stage="build", at=NOW),
    ItemStarted(stage="build", item="orders (linux/amd64)"),
    *step("RUN make"),
    *step("RUN make install"),
    ItemEnded(stage="build", item="orders (linux/amd64)", seconds=4, status=Status.OK),
    StageEnded(stage="build", at=NOW, seconds=5, status=Status.OK),
    StageStarted(stage="scan", at=NOW),
    StageStarted(stage="sbom", at=NOW),
    *step("exec trivy"),
    StageEnded(stage="scan", at=NOW, seconds=3, status=Status.OK),
    *step("exec syft"),
)


def log(ci: str | None) -> list[str]:
    out = io.StringIO()
    with open_terminal(Console(file=out, width=40), ProgressForm.PLAIN, ci=ci) as observer:
        for event in RUN:
            observer.on(event)
    return out.getvalue().split("\n")[:-1]


@pytest.mark.parametrize("ci", ["github", "gitea"])
def test_githubs_groups(ci: str) -> None:
    assert log(ci) == [
        "build   started",
        "::group::build: steps",
        "    2.0 s  RUN make",
        "    2.0 s  RUN make install",
        "    4.0 s  build: orders (linux/amd64) done",
        "::endgroup::",
        "build   done (5.0 s)",
        "scan    started",
        "sbom    started",
        "::group::scan, sbom: steps",
        "    2.0 s  exec trivy",
        "::endgroup::",
        "scan    done (3.0 s)",
        "::group::sbom: steps",
        "    2.0 s  exec syft",
        "::endgroup::",
    ]


def test_gitlabs_sections() -> None:
    lines = log("gitlab")
    begins = [line for line in lines if "section_start" in line]
    ends = [line for line in lines if "section_end" in line]
    form = r"\x1b\[0Ksection_start:\d{10}:(keelway_\d)\[collapsed=true\]\r\x1b\[0K(.*)"
    found = [re.fullmatch(form, line) for line in begins]
    assert [one.groups() for one in found if one] == [
        ("keelway_1", "build: steps"),
        ("keelway_2", "scan, sbom: steps"),
        ("keelway_3", "sbom: steps"),
    ]
    closed = [re.fullmatch(r"\x1b\[0Ksection_end:\d{10}:(keelway_\d)\r\x1b\[0K", e) for e in ends]
    assert [one[1] for one in closed if one] == ["keelway_1", "keelway_2", "keelway_3"]


def test_azures_groups() -> None:
    lines = log("azure")
    assert lines.count("##[endgroup]") == 3
    assert "##[group]build: steps" in lines


def test_other_logs_have_the_same_lines_and_no_marks() -> None:
    plain = log(None)
    assert plain == [line for line in log("github") if not line.startswith("::")]
    assert plain == log("jenkins")
