"""Profiles by what a project is run for, health, and what a clean-up does not touch."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from keelway._cli import cleaning
from keelway._cli.health_view import is_well
from keelway.develop.planned import Asked, Kind, plan_up
from keelway.develop.state import ServicePart
from keelway.errors import PlanError
from keelway.report.reading import read_report
from tests.support.sample_report import sample_report

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """\
name: shop
services:
  web: { image: "localhost:1/web" }
  shell: { image: "localhost:1/web", profiles: [development] }
  cache: { image: "localhost:1/web", profiles: [prod] }
"""
DEV = Kind(profiles=("dev", "development"))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


@pytest.mark.parametrize(
    ("kind", "services"),
    [
        (DEV, ["web", "shell"]),
        (Kind(profiles=("prod", "production")), ["web", "cache"]),
        (None, ["web"]),
    ],
)
def test_the_profile_that_is_made_for_it(
    kind: Kind | None, services: list[str], project: Path
) -> None:
    planned = plan_up(Asked(kind=kind), project, {})
    assert sorted(planned.project.services) == sorted(services)


def test_a_project_without_profiles_runs_and_says_so(project: Path) -> None:
    (project / "compose.yaml").write_text(COMPOSE.replace("development", "other"))
    planned = plan_up(Asked(kind=DEV), project, {})
    assert list(planned.project.services) == ["web"]
    assert planned.notes[0] == "no service has the profile 'dev': those without a profile run"


def test_what_cannot_do_without_its_profile_says_what_to_do(project: Path) -> None:
    kind = Kind(profiles=("monitoring",), remedy="make one")
    with pytest.raises(PlanError, match="no service has the profile 'monitoring'"):
        plan_up(Asked(kind=kind), project, {})


def test_files_beside_those_that_are_found(project: Path) -> None:
    more = project / "more" / "compose.yaml"
    more.parent.mkdir()
    more.write_text('services: { more: { image: "localhost:1/web" } }\n')
    planned = plan_up(Asked(more_files=(more,)), project, {})
    assert sorted(planned.project.services) == ["more", "web"]


@pytest.mark.parametrize(
    ("state", "health", "code", "well"),
    [
        ("running", "", None, True),
        ("running", "healthy", None, True),
        ("running", "starting", None, False),
        ("running", "unhealthy", None, False),
        ("exited (0)", "", 0, True),
        ("exited (3)", "", 3, False),
        ("restarting", "", 1, False),
        ("gone", "", None, False),
    ],
)
def test_who_is_well(state: str, health: str, code: int | None, *, well: bool) -> None:
    assert is_well(ServicePart(name="web", state=state, health=health, code=code)) is well


def test_only_files_that_an_old_report_names_are_removed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cleaning, "_store", lambda: iter(()))
    (project / "keelway.toml").write_text('[project]\nname = "shop"\n[images.web]\n')
    folder = project / ".keelway"
    folder.mkdir()
    file = folder / "report.json"
    outside = project / "precious"
    outside.write_text("mine")
    document = sample_report()
    first, *others = document.files
    moved = first.model_copy(update={"path": "../precious"})
    file.write_text(document.model_copy(update={"files": (moved, *others)}).model_dump_json())
    named = [folder / one.path for one in others[:2]]
    for one in named:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text("x")
    own = folder / "demo.key"
    own.write_text("mine")
    assert read_report(file) is not None

    cleaning.clean_up(None, days=14, dry_run=False)
    assert capsys.readouterr().out == "there is nothing to remove\n"  # it is of today

    old = time.time() - 20 * 24 * 3600
    os.utime(file, (old, old))
    cleaning.clean_up(None, days=14, dry_run=True)
    assert f"would remove  {file}" in capsys.readouterr().out
    cleaning.clean_up(None, days=14, dry_run=False)
    assert not file.exists()
    assert not any(one.exists() for one in named)
    assert own.read_text() == outside.read_text() == "mine"
