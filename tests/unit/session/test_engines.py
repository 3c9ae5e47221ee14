"""Which engine is taken, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway import _engines
from keelway._engines import CLI_BIN, RUNNER_HOST, Given, Program, choose_engine
from keelway.errors import SessionError
from keelway.model.engine_choice import EngineChoice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dagger_cli(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose PATH has Dagger's CLI and nothing else."""
    binary = tmp_path / "dagger"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.fixture
def no_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engines, "_LOCAL_NEEDS", ("a_package_that_nobody_has",))


@pytest.mark.parametrize("choice", EngineChoice)
def test_a_session_in_the_environment_always_wins(choice: EngineChoice) -> None:
    engine = choose_engine(choice, {"DAGGER_SESSION_PORT": "5000", CLI_BIN: "/x"})
    assert isinstance(engine, Given)
    assert "DAGGER_SESSION_PORT is set" in engine.reason


def test_auto_takes_the_local_engine_first(dagger_cli: dict[str, str]) -> None:
    engine = choose_engine(EngineChoice.AUTO, dagger_cli)
    assert isinstance(engine, Program)
    assert engine.name == "local"
    assert engine.environment == {"KEELWAY_ENGINE_PROGRESS": "json"}


@pytest.mark.parametrize("variable", [CLI_BIN, RUNNER_HOST])
def test_auto_takes_the_engine_that_the_environment_names(
    dagger_cli: dict[str, str], variable: str
) -> None:
    engine = choose_engine(EngineChoice.AUTO, {**dagger_cli, variable: "/opt/it"})
    assert engine.name == "dagger"
    assert engine.reason == f"{variable} is set"


@pytest.mark.usefixtures("no_local")
def test_auto_takes_dagger_when_there_is_nothing_else(dagger_cli: dict[str, str]) -> None:
    engine = choose_engine(EngineChoice.AUTO, dagger_cli)
    assert engine.name == "dagger"
    assert "the local engine is not installed" in engine.reason


@pytest.mark.usefixtures("no_local")
def test_none_at_all_tells_what_was_looked_for() -> None:
    with pytest.raises(SessionError) as raised:
        choose_engine(EngineChoice.AUTO, {"PATH": "/nowhere"})
    assert raised.value.exit_code == 4
    named, local, dagger = raised.value.tried
    assert "none is set" in named
    assert "a_package_that_nobody_has" in local
    assert "`dagger` is not on PATH" in dagger
    assert "keelway[engine]" in raised.value.diagnostics()


@pytest.mark.usefixtures("no_local")
def test_what_is_asked_for_is_not_replaced(dagger_cli: dict[str, str]) -> None:
    with pytest.raises(SessionError):
        choose_engine(EngineChoice.LOCAL, dagger_cli)
    with pytest.raises(SessionError):
        choose_engine(EngineChoice.DAGGER, {"PATH": "/nowhere"})


def test_dagger_by_its_variable(dagger_cli: dict[str, str]) -> None:
    engine = choose_engine(EngineChoice.DAGGER, {**dagger_cli, CLI_BIN: "/opt/dagger"})
    assert isinstance(engine, Program)
    assert engine.command == ("/opt/dagger",)


def test_not_on_linux_there_is_no_local_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SessionError, match="no engine") as raised:
        choose_engine(EngineChoice.LOCAL, {})
    assert "Linux only" in raised.value.tried[0]
