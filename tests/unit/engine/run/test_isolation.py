"""Which isolation there is, found out where it is allowed and where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keelway.engine.run.isolation import allows_namespaces
from tests.support import unprivileged

ASK = "from keelway.engine.run.isolation import allows_namespaces as ask; print(ask())"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a choice")
def test_root_without_privileges_is_not_allowed_namespaces() -> None:
    helper = [sys.executable, str(Path(unprivileged.__file__))]
    done = subprocess.run(
        [*helper, sys.executable, "-c", ASK], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_others_are_told_by_the_sandbox_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert allows_namespaces()
