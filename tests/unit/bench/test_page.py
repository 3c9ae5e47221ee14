"""The page of a benchmark's run: what it says of figures, and of figures that are worth nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.__main__ import main
from bench.goals import goals
from bench.machine import Processors
from bench.page import page
from bench.run import Wanted, _unfit, judge

if TYPE_CHECKING:
    from pathlib import Path


def took(seconds: float, **more: Any) -> dict[str, Any]:
    """Return one release or build."""
    return {
        "seconds": seconds,
        "cpu_s": seconds * 1.5,
        "own_cpu_s": 1.0,
        "idle": 0.1,
        "waiting": 0.02,
        "peak": {"command": 90e6, "engine": 80e6, "all": 500e6},
        "timeline": [[0.1, 0.5], [seconds, 1.0]],
        "disk": 300e6,
        **more,
    }


def path(total: float, tools: float) -> dict[str, Any]:
    """Return a critical path of one tool."""
    return {
        "total_s": total,
        "tools_s": tools,
        "overhead": (total - tools) / tools,
        "steps": [{"name": "exec /bin/trivy image", "began": 1.0, "seconds": tools}],
        "gaps": [{"seconds": 1.0, "after": "", "before": "exec /bin/trivy image"}],
        "stages": [{"name": "scan", "began": 1.0, "seconds": tools, "idle": 0.25}],
        "tools": [["exec /bin/trivy image", 1.0, 1.0 + tools]],
    }


def row(name: str, median: float, **more: Any) -> dict[str, Any]:
    """Return a row of the engine, which takes half of Dagger's 2 s at most."""
    ours = {"figures": [median], "median": median, "met": None}
    given = {"unit": "s", "goal": 1.0, "dagger": [1.5, 2.5], "beside": None}
    return {
        "name": name,
        "title": f"what {name} does",
        "engines": {"keelway": ours},
        **given,
        **more,
    }


@pytest.fixture
def document() -> dict[str, Any]:
    """Return a run in which one goal of each kind is met and one is missed."""
    figures = {
        "cold": {"keelway": [took(40), took(44)], "shell": [took(80), took(88)]},
        "again": {"keelway": [took(4), took(5)], "shell": [took(20), took(20)]},
        "edit": {"keelway": [took(9), took(8)], "shell": [took(30), took(40)]},
    }
    point = {"kind": "files", "size": 10, "phase": "first"}
    return {
        "when": "2026-01-01 00:00 UTC",
        "commit": "abc1234",
        "took_s": 60.0,
        "repeat": 2,
        "machine": {
            "processor": "a processor", "cores": 2, "memory_gib": 8.0, "disk": "ext4 on vda, 10 GB",
            "kernel": "6.1", "system": "Debian", "python": "3.11.7", "load": 0.1,
        },
        "quiet": {"at_start": 0.01, "others": [0.02, 0.05], "why": ""},
        "release": {"figures": figures, "paths": {"cold": [path(40, 38)]}, "failures": []},
        "growth": {
            "kinds": [{"name": "files", "title": "files of an image", "unit": ""}],
            "points": [
                {**point, "who": "keelway", "rounds": [took(3)]},
                {**point, "who": "buildah", "rounds": [took(2)]},
            ],
            "failures": ["keelway, 100 images of a repository: it failed\nwith more words"],
        },
        "engine": {"rows": [row("quick", 0.5), row("slow", 1.5)], "failures": []},
    }  # fmt: skip


def written(document: dict[str, Any], folder: Path) -> int:
    """Write page, pictures and figures into a folder, and return the exit code."""
    folder.mkdir()
    given = folder / "given.json"
    given.write_text(json.dumps(document))
    return main(["--page", str(given), "--out", str(folder)])


def test_goals_are_met_or_missed(document: dict[str, Any]) -> None:
    found = {goal.name: (round(goal.measured, 3), goal.limit, goal.met) for goal in goals(document)}
    assert found == {
        "release-cold": (0.5, 0.6, True),
        "release-again": (0.225, 0.1, False),
        "release-edit": (0.243, 0.3, True),
        "idle": (0.1, 0.15, True),
        "overhead": (0.053, 0.1, True),
        "quick": (0.25, 0.5, True),
        "slow": (0.75, 0.5, False),
    }


def test_goals_are_shares_of_the_engine_that_took_part(document: dict[str, Any]) -> None:
    document["engine"]["rows"] = [row("quick", 0.5, beside=0.8, goal=0.4)]
    assert [(one.measured, one.met) for one in goals(document)][-1] == (0.625, False)


def test_the_page_says_what_was_measured(document: dict[str, Any]) -> None:
    document["growth"]["failures"] = []
    text = page(document, ["release"], "bench")
    assert "5 of 7 goals are met." in text
    assert "as against the shell script | 0.23x | 0.10x | **missed** |" in text
    assert "| **nothing kept** | 42.0 s (40.0 s to 44.0 s) | 84.0 s (80.0 s to 88.0 s) |" in text
    assert "| 10 | nothing kept | 3.00 s | 2.00 s | **1.50x** |" in text
    assert "| scan | 1.00 s | 38.0 s | 25 % |" in text
    assert "| the start to `trivy image` | 1.00 s | 2 % |" in text
    assert "(bench/release.svg)" in text
    assert "not for publishing" not in text


def test_page_pictures_and_figures_are_written(document: dict[str, Any], tmp_path: Path) -> None:
    """And the same figures give the same bytes."""
    assert [written(document, tmp_path / name) for name in ("one", "two")] == [1, 1]
    one, two = (
        {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.*")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    pictures = {f"bench/{name}.svg" for name in ("release", "processors", "growth", "engine")}
    assert set(one) == {"bench.md", "bench/figures.json", "given.json", *pictures}
    told = json.loads(one["bench/figures.json"])
    assert told["release"] == document["release"]
    assert {one["name"] for one in told["goals"] if not one["met"]} == {"release-again", "slow"}


def test_a_missed_goal_fails_a_check(document: dict[str, Any]) -> None:
    document["growth"]["failures"] = []
    assert [judge(document, missed=code, failed=1) for code in (0, 3)] == [0, 3]
    document["release"]["figures"]["again"]["keelway"] = [took(1)]
    document["engine"]["rows"] = document["engine"]["rows"][:1]
    assert judge(document, missed=3, failed=1) == 0


def test_what_failed_is_named_and_fails(document: dict[str, Any]) -> None:
    assert judge(document, missed=3, failed=1) == 1
    assert "- keelway, 100 images of a repository: it failed\n" in page(document, [], "bench")


def test_a_part_alone_makes_a_page(document: dict[str, Any]) -> None:
    text = page({**document, "release": None, "growth": None}, [], "bench")
    assert "## The engine" in text
    assert "## A release" not in text


def test_figures_of_a_busy_machine_say_so(document: dict[str, Any]) -> None:
    document["quiet"]["why"] = "the machine was busy"
    said = "> **These figures are not for publishing**: the machine was busy."
    assert said in page(document, [], "bench")


@pytest.mark.parametrize(
    ("at_start", "others", "why"),
    [
        (0.01, [0.0, 0.02, 0.9], ""),
        (0.4, [], "others took 40% of its processors at the start"),
        (0.0, [0.3, 0.2, 0.0], "others took 20% of its processors between the rounds"),
    ],
)
def test_a_machine_is_busy_when_others_use_it(
    at_start: float, others: list[float], why: str
) -> None:
    whole = Wanted(parts=(), repeat=3, engines=(), work=(), quick=False, whole=True)
    assert _unfit(whole, at_start, others).removeprefix("the machine was busy: ") == why
    assert _unfit(replace(whole, whole=False), 0.0, []) == "only a part was measured"


def test_waiting_for_the_disk_is_idle() -> None:
    later = Processors(busy=13.0, idle=4.0, waiting=3.0)
    assert later.since(Processors(busy=10.0, idle=2.0, waiting=2.0)).idle_share == 0.5


@pytest.mark.parametrize("words", ["--only nonsense", "--rows nonsense", "--engine nonsense"])
def test_what_is_not_known_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert words.rsplit(maxsplit=1)[-1] in capsys.readouterr().err
