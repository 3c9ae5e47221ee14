"""An engine program that only records, in place of a real one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from keelway import _engines

FAKE = Path(__file__).parents[2] / "support" / "fake_engine.py"


@pytest.fixture
def fake_local_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `local` the fake engine, and forget what this machine's environment names."""
    for name in (_engines.SESSION_PORT, _engines.CLI_BIN, _engines.RUNNER_HOST):
        monkeypatch.delenv(name, raising=False)

    def local(reason: str) -> _engines.Program:
        return _engines.Program(
            name="local",
            reason=reason,
            command=(sys.executable, str(FAKE)),
            tried="starting the fake engine",
            next_step="look at it",
            environment={"KEELWAY_ENGINE_PROGRESS": "json"},
        )

    monkeypatch.setattr(_engines, "_local", local)
