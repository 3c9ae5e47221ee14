"""The facts of a directory, and the epoch."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway.config import load_config
from keelway.errors import PlanError
from keelway.facts import Commit, Facts, gather_facts
from keelway.facts.epoch import decide_epoch
from keelway.facts.gather import find_programs

COMMIT = Commit(sha="a" * 40, committed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

CONFIG = """\
[project]
name = "shop"
[images.orders]
context = "orders"
[[images.orders.secrets]]
id = "t"
source = "file://token"
[scan]
database = "missing/db"
"""


@pytest.mark.parametrize(
    ("variable", "commit", "expected"),
    [
        ("0", COMMIT, (0, "SOURCE_DATE_EPOCH")),
        (None, COMMIT, (1_767_323_045, "the commit's time")),
        ("", COMMIT, (1_767_323_045, "the commit's time")),
        (None, None, (None, "neither SOURCE_DATE_EPOCH nor a commit is there")),
    ],
)
def test_the_epoch_is_never_the_clock(
    variable: str | None, commit: Commit | None, expected: tuple[int | None, str]
) -> None:
    assert decide_epoch(variable, commit) == expected


@pytest.mark.parametrize("variable", ["yesterday", "-1", "1.5", " 1", "\u0661"])
def test_an_epoch_that_is_no_number(variable: str) -> None:
    with pytest.raises(PlanError) as caught:
        decide_epoch(variable, None)
    assert "SOURCE_DATE_EPOCH" in caught.value.message
    assert caught.value.next_step is not None


def test_facts_outside_of_git(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "Dockerfile").write_text("FROM scratch\n")
    environment = {
        "PATH": os.environ["PATH"],
        "EMPTY": "",
        "TOKEN": "value",
        "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
    }
    facts = gather_facts(load_config(tmp_path), environment, ["git", "no-such-program"])
    assert facts.commit is None
    assert facts.no_commit_reason == "this is not a git repository"
    assert facts.root == tmp_path
    assert facts.variables == {"PATH", "TOKEN", "GIT_CEILING_DIRECTORIES"}
    assert "value" not in repr(facts)
    assert dict(facts.paths) == {
        "orders": "directory",
        "orders/Dockerfile": "file",
        "token": "missing",
        "missing/db": "missing",
    }
    assert list(facts.programs) == ["git"]


def test_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    facts = Facts(root=tmp_path)
    assert facts.resolve("a/../b") == tmp_path / "b"
    assert facts.resolve("/etc") == Path("/etc")
    assert facts.kind_of("nobody looked") is None


def test_what_is_beside_python_goes_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("venv", "usr"):
        (tmp_path / place).mkdir()
        program = tmp_path / place / "tool"
        program.write_text("")
        program.chmod(0o755)
    (tmp_path / "venv" / "not-executable").write_text("")
    monkeypatch.setattr("sys.executable", str(tmp_path / "venv" / "python"))
    found = find_programs(["tool", "not-executable"], str(tmp_path / "usr"))
    assert found == {"tool": tmp_path / "venv" / "tool"}
    monkeypatch.setattr("sys.executable", str(tmp_path / "other" / "python"))
    assert find_programs(["tool"], str(tmp_path / "usr")) == {"tool": tmp_path / "usr" / "tool"}
    assert find_programs(["tool"], "") == {}
