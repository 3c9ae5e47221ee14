"""`keelway-engine du` and `prune` as processes, on a store that was filled before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 256 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with three operations, the oldest first, and a cache volume."""
    root = tmp_path / "store"
    for name in ("old", "mid", "new"):
        with Store.open(root) as store:
            work = store.new_work("x")
            (work / name).write_bytes(os.urandom(SIZE))
            layer = store.layers.commit(work)
            store.cache.put(
                name.encode(), b"v", description=f"make {name}", layers=[layer], blobs=[]
            )
        time.sleep(0.02)
    with Store.open(root) as store:
        (store.volumes.path("pip cache") / "wheel").write_bytes(os.urandom(SIZE))
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keelway.engine", *arguments],
        env=os.environ | {"KEELWAY_STORE": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def data(root: Path, *arguments: str) -> dict[str, Any]:
    done = run(root, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [part["description"] for part in found["parts"]]


def test_du_for_people(root: Path) -> None:
    lines = run(root, "du").stdout.splitlines()
    assert [line.split("  ")[-1].split(" ", 1)[-1] for line in lines[:3]] == [
        *("make old", "make mid", "make new")
    ]
    assert lines[-2].endswith(f"in 4 parts of {root}")
    assert lines[-1].split()[0] == "budget"


def test_du_for_programs(root: Path) -> None:
    found = data(root, "du")
    assert found["store"] == str(root)
    assert found["size"] == sum(part["size"] for part in found["parts"]) >= 4 * SIZE
    first = found["parts"][0]
    assert first.keys() == {*("name", "kind", "size", "created", "used", "in_use", "description")}
    assert (first["kind"], first["in_use"]) == ("operation", False)
    assert first["used"].endswith("+00:00")


def test_du_of_one_kind(root: Path) -> None:
    assert names(data(root, "du", "--kind", "cache-volume")) == ["pip cache"]
    assert len(names(data(root, "du", "--kind", "operation", "--kind", "cache-volume"))) == 4


def test_du_of_nothing(tmp_path: Path) -> None:
    assert data(tmp_path / "none", "du")["parts"] == []
    assert run(tmp_path / "none", "du").stdout.split()[:2] == ["0", "B"]


def test_prune_leaves_what_there_is_room_for(root: Path) -> None:
    assert names(data(root, "prune", "--max-used", f"{4 * SIZE}")) == ["make old"]
    assert names(data(root, "du")) == ["make mid", "make new", "pip cache"]


def test_prune_without_a_budget_leaves_a_small_store_alone(root: Path) -> None:
    assert data(root, "prune")["parts"] == []


def test_prune_of_one_kind(root: Path) -> None:
    assert names(data(root, "prune", "--kind", "cache-volume")) == ["pip cache"]
    assert len(names(data(root, "du"))) == 3


def test_prune_by_age(root: Path) -> None:
    assert data(root, "prune", "--unused-for", "1h")["parts"] == []
    assert len(data(root, "prune", "--unused-for", "0s")["parts"]) == 4


def test_a_dry_run_only_tells(root: Path) -> None:
    told = data(root, "prune", "--all", "--dry-run")
    assert (told["dry_run"], len(told["parts"])) == (True, 4)
    assert "would free" in run(root, "prune", "--all", "--dry-run").stdout
    assert len(names(data(root, "du"))) == 4
    assert run(root, "prune", "--all").stdout.startswith("freed 1.")
    assert names(data(root, "du")) == []


def test_what_a_session_uses_stays(root: Path) -> None:
    with Store.open(root) as live:
        assert live.cache.get(b"old") == b"v"
        assert [part["in_use"] for part in data(root, "du")["parts"]].count(True) == 1
        assert "make old" not in names(data(root, "prune", "--all"))
        assert names(data(root, "du")) == ["make old"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prune", "--max-used", "much"], "'much' is no size"),
        (["prune", "--min-free", "101%"], "'101%' is no size"),
        (["prune", "--unused-for", "long"], "'long' is no age"),
        (["prune", "--kind", "layer"], "invalid choice: 'layer'"),
        (["prune", "--all", "--max-used", "1GB"], "--all leaves no room for --max-used"),
        (["prune", "--max", "1GB"], "unrecognized arguments: --max"),
        (["du", "everything"], "unrecognized arguments: everything"),
    ],
)
def test_a_wrong_command_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = run(tmp_path / "store", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["du", "prune", "doctor"])
def test_each_command_has_its_help(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, command, "--help")
    assert done.returncode == 0
    assert "exit codes: 0" in done.stdout
    assert "%%" not in done.stdout
