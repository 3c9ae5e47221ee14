"""What is kept of the examples' base images: whole, for a while, and for one recipe alone."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from keelway.config.lock import Pin, parse_lock, render_lock
from keelway.stages.base import BaseSpec
from tests.support.kept_bases import ANEW, KEPT_S, VARIABLE, Kept, kept_bases, moved

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What a registry has."""
    folder = tmp_path / "registry" / "data"
    folder.mkdir(parents=True)
    (folder / "blob").write_text("layer")
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "kept"))
    found = kept_bases("recipe")
    assert found is not None
    return found


def test_what_was_kept_is_taken_by_the_next_run(kept: Kept, data: Path, tmp_path: Path) -> None:
    assert kept.take(tmp_path / "before") is None
    kept.keep(data, "lock")
    kept.keep(data, "another run's")
    assert kept.take(tmp_path / "next") == "lock"
    assert (tmp_path / "next" / "blob").read_text() == "layer"
    (tmp_path / "next" / "blob").write_text("pushed over")
    assert kept.take(tmp_path / "third") == "lock"
    assert (tmp_path / "third" / "blob").read_text() == "layer"
    assert [one.name for one in kept.folder.parent.iterdir()] == [kept.folder.name]


def test_another_recipe_has_nothing_of_it(kept: Kept, data: Path, tmp_path: Path) -> None:
    kept.keep(data, "lock")
    other = kept_bases("another recipe")
    assert other is not None
    assert other.take(tmp_path / "next") is None


def test_what_is_too_old_is_not_taken_and_goes(kept: Kept, data: Path, tmp_path: Path) -> None:
    kept.keep(data, "old")
    then = time.time() - KEPT_S - 60
    os.utime(kept.folder, (then, then))
    assert kept.take(tmp_path / "next") is None
    assert not (tmp_path / "next").exists()
    kept.keep(data, "new")
    assert kept.take(tmp_path / "next") == "new"


def test_nothing_is_kept_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert kept_bases("recipe") is None


def test_the_lock_file_is_right_for_another_registry_and_one_is_made_anew() -> None:
    def pins(registry: str) -> dict[str, BaseSpec]:
        return {
            name: BaseSpec(name=name, packages=("dash",), repository=f"{registry}/demo/{name}")
            for name in (ANEW, "node")
        }

    before = {
        name: Pin(reference=f"{spec.repository}@{DIGEST}", inputs=spec.inputs())
        for name, spec in pins("localhost:1").items()
    }
    now = pins("localhost:2")
    configured = {
        name: {"suite": "bookworm", "packages": ["dash"], "repository": spec.repository}
        for name, spec in now.items()
    }
    lock = parse_lock(moved(render_lock(before), configured))
    assert lock == {
        "node": Pin(reference=f"localhost:2/demo/node@{DIGEST}", inputs=now["node"].inputs())
    }
