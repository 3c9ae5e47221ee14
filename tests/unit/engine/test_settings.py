"""What the engine takes from its environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.settings import Settings


def test_the_store_is_where_it_is_said_to_be() -> None:
    assert Settings.of({"KEELWAY_STORE": "/some/where"}).store == Path("/some/where")


def test_the_store_of_root_and_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Settings.of({}).store == Path("/var/lib/keelway")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Settings.of({"XDG_DATA_HOME": "/home/u/data"}).store == Path("/home/u/data/keelway")
    monkeypatch.setenv("HOME", "/home/u")
    assert Settings.of({}).store == Path("/home/u/.local/share/keelway")


def test_times_and_progress() -> None:
    settings = Settings.of({"SOURCE_DATE_EPOCH": "1700000000", "KEELWAY_ENGINE_PROGRESS": "json"})
    assert (settings.epoch, settings.progress) == (1700000000, "json")
    assert Settings.of({}).epoch is None
    assert Settings.of({}).progress == "plain"


def test_tunnels_are_for_everybody_unless_they_are_for_this_machine_alone() -> None:
    assert Settings.of({}).tunnels == "everywhere"
    assert Settings.of({"KEELWAY_ENGINE_TUNNELS": "loopback"}).tunnels == "loopback"
    with pytest.raises(EngineError, match="choose everywhere or loopback"):
        Settings.of({"KEELWAY_ENGINE_TUNNELS": "nowhere"})


def test_isolation_is_found_out_where_nothing_is_said() -> None:
    assert (Settings.of({}).isolation, Settings.of({}).proc) == ("auto", "none")
    said = {"KEELWAY_ENGINE_ISOLATION": "chroot", "KEELWAY_ENGINE_PROC": "proot"}
    assert (Settings.of(said).isolation, Settings.of(said).proc) == ("chroot", "proot")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOURCE_DATE_EPOCH", "yesterday"),
        ("KEELWAY_ENGINE_PROGRESS", "loud"),
        ("KEELWAY_ENGINE_ISOLATION", "total"),
        ("KEELWAY_ENGINE_PROC", "some"),
    ],
)
def test_values_without_meaning_are_named(name: str, value: str) -> None:
    with pytest.raises(EngineError, match=f"{name}='{value}'"):
        Settings.of({name: value})


def test_a_store_that_cannot_be_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings.of({"KEELWAY_STORE": str(tmp_path / "file" / "store")})
    with pytest.raises(EngineError, match="set KEELWAY_STORE"):
        settings.check_store()
    good = Settings.of({"KEELWAY_STORE": str(tmp_path / "a" / "b")})
    good.check_store()
    assert good.store.stat().st_mode & 0o777 == 0o700
