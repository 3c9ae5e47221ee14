"""What every contract test may need: the program as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

START = "import sys; from keelway._cli.program import main; sys.exit(main())"
COMMAND = (sys.executable, "-c", START)

Keelway = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which no engine and no session is named."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "GIT_CEILING_DIRECTORIES": "/tmp",
        **more,
    }


@pytest.fixture
def keelway(tmp_path: Path) -> Keelway:
    """Run keelway in an empty directory, with these words and these variables."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words],
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
