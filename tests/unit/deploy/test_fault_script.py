"""What hurts containers puts them right again, whatever becomes of whoever asked for it."""

from __future__ import annotations

import signal
import subprocess
import time
from importlib import resources
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = resources.files("keelway.deploy").joinpath("fault.sh").read_text(encoding="utf-8")
# Writes down what it is asked for, and knows one network.
ENGINE = """\
#!/bin/sh
case $1 in
  inspect) echo "shop_default web 1a2b"; echo ;;
  *) echo "$@" >>"{log}" ;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    program = tmp_path / "engine"
    program.write_text(ENGINE.format(log=tmp_path / "log"))
    program.chmod(0o755)
    return program


def words(engine: Path, fault: str, lasting: str) -> list[str]:
    return ["sh", "-c", SCRIPT, "fault", str(engine), fault, lasting, "1a2b"]


def log(engine: Path) -> list[str]:
    file = engine.parent / "log"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("kill", ["kill 1a2b", "start 1a2b"]),
        ("stop", ["stop 1a2b", "start 1a2b"]),
        ("restart", ["restart 1a2b"]),
        ("pause", ["pause 1a2b", "unpause 1a2b"]),
        (
            "partition",
            [
                "network disconnect shop_default 1a2b",
                "network connect --alias web --alias 1a2b shop_default 1a2b",
            ],
        ),
    ],
)
def test_a_fault_is_done_and_undone(engine: Path, fault: str, done: list[str]) -> None:
    ran = subprocess.run(
        words(engine, fault, "0.1"), capture_output=True, text=True, timeout=60, check=True
    )
    assert log(engine) == done
    before, injected, over = map(float, ran.stdout.split())
    assert before <= injected < over


def test_a_lost_connection_does_not_leave_it_hurt(engine: Path) -> None:
    with subprocess.Popen(words(engine, "kill", "0.5"), stdout=subprocess.PIPE) as process:
        while not log(engine):
            time.sleep(0.01)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 129
    assert log(engine) == ["kill 1a2b", "start 1a2b"]


def test_what_cannot_be_done_is_no_fault(engine: Path) -> None:
    engine.write_text("#!/bin/sh\nexit 1\n")
    ran = subprocess.run(
        words(engine, "pause", "0.1"), capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 1
