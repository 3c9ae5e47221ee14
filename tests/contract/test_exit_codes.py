"""Every bad input ends with the promised code, diagnostics on standard error, and no traceback."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from keelway import errors
from tests.contract.conftest import COMMAND, Keelway, environment

PROMISED = {
    "KeelwayError": 1,
    "ConfigError": 2,
    "PlanError": 3,
    "SessionError": 4,
    "StageError": 5,
    "ToolError": 5,
    "ToolOutputError": 5,
    "PublishError": 5,
    "RegistryError": 5,
    "GateError": 6,
    "DeployError": 7,
    "RollbackError": 8,
    "InconclusiveError": 9,
    "CommandError": 126,
    "CommandNotFoundError": 127,
}

CONFIG = """\
[project]
name = "shop"
[images.orders]
[scan]
enabled = false
[sbom]
enabled = false
"""


NO_SECRET = CONFIG.replace(
    "[scan]", '[[images.orders.secrets]]\nid = "t"\nsource = "env://NOT_SET"\n[scan]'
)


def test_the_error_tree() -> None:
    found = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.KeelwayError)
    }
    assert found == PROMISED
    assert issubclass(errors.ToolError, errors.StageError)
    assert issubclass(errors.ToolOutputError, errors.StageError)


def write(directory: Path, text: str = CONFIG) -> None:
    (directory / "keelway.toml").write_text(text)
    (directory / "Dockerfile").write_text("FROM scratch\n")


# Each command that builds reads the configuration and decides before anything else.
@pytest.mark.parametrize(
    ("command", "text", "code", "words"),
    [
        ("plan", None, 2, "keelway.toml: not found"),
        ("release", None, 2, "keelway.toml: not found"),
        ("build", None, 2, "keelway.toml: not found"),
        ("build", "[project", 2, "keelway.toml:1: not valid TOML"),
        (
            "plan",
            f"{CONFIG}[imges.x]\n",
            2,
            "keelway.toml:8: imges: unknown key. Did you mean 'images'?",
        ),
        (
            "release",
            CONFIG.replace("[scan]", 'platforms = ["linux/sparc"]\n[scan]'),
            3,
            "keelway.toml:4: images.orders.platforms[0]: unknown platform 'linux/sparc'",
        ),
        ("build", CONFIG.replace("[scan]", 'context = "no"\n[scan]'), 3, "no is no directory"),
        ("release", NO_SECRET, 3, "NOT_SET is not set"),
        ("plan", NO_SECRET, 3, "NOT_SET is not set"),
    ],
)
def test_bad_input(
    keelway: Keelway, tmp_path: Path, command: str, text: str | None, code: int, words: str
) -> None:
    if text is not None:
        write(tmp_path, text)
    done = keelway(command)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [["plna"], ["plan", "--jsno"], ["release", "--engine", "podman"], ["plan", "--config"]],
)
def test_a_wrong_command_line(keelway: Keelway, words: list[str]) -> None:
    done = keelway(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_named_file_that_is_not_there(keelway: Keelway) -> None:
    done = keelway("plan", "--config", "missing.toml")
    assert done.returncode == 2
    assert "missing.toml: there is no such file" in done.stderr


def test_no_engine(keelway: Keelway, tmp_path: Path) -> None:
    write(tmp_path)
    done = keelway("build", "--engine", "dagger", PATH="/nonexistent")
    assert (done.returncode, done.stdout) == (4, "")
    assert "tried: Dagger's CLI" in done.stderr
    assert (tmp_path / ".keelway" / "report.json").is_file()


def test_an_engine_that_ends_at_once(keelway: Keelway, tmp_path: Path) -> None:
    write(tmp_path)
    engine = executable(tmp_path, "echo 'no room left' >&2; exit 3")
    done = keelway("build", _EXPERIMENTAL_DAGGER_CLI_BIN=engine)
    assert done.returncode == 4
    assert "no room left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_of_our_own_is_no_traceback_unless_it_is_asked_for(
    keelway: Keelway, tmp_path: Path
) -> None:
    write(tmp_path)
    (tmp_path / "keelway.lock").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    done = keelway("plan", "--config", "loop")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    shown = keelway("plan", "--config", "loop", KEELWAY_DEBUG="1")
    assert shown.returncode == 2
    assert "Traceback" in shown.stderr


def test_whoever_reads_the_output_may_leave(tmp_path: Path) -> None:
    write(tmp_path)
    with subprocess.Popen(
        [*COMMAND, "schema"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert (process.returncode, said) == (141, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_from_outside(tmp_path: Path, number: signal.Signals, code: int) -> None:
    write(tmp_path)
    started = tmp_path / "started"
    engine = executable(tmp_path, f"echo $$ > {started}.new; mv {started}.new {started}; cat")
    with subprocess.Popen(
        [*COMMAND, "build"],
        cwd=tmp_path,
        env=environment(_EXPERIMENTAL_DAGGER_CLI_BIN=engine),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        wait_for(started)
        os.killpg(process.pid, number)  # as a terminal and a CI runner do: to all of them
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in err
    assert (tmp_path / ".keelway" / "report.json").is_file()
    assert not Path(f"/proc/{started.read_text().strip()}").exists()


def test_the_second_signal_stops_at_once(tmp_path: Path) -> None:
    write(tmp_path)
    started = tmp_path / "started"
    engine = executable(tmp_path, f"trap '' INT; touch {started}; cat > /dev/null")
    with subprocess.Popen(
        [*COMMAND, "build"],
        cwd=tmp_path,
        env=environment(_EXPERIMENTAL_DAGGER_CLI_BIN=engine),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_for(started)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        line = next(line for line in process.stderr if b"stopping" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert line == b"stopping in order; the same again stops at once\n"


def executable(directory: Path, script: str) -> str:
    """Return the path of a shell script."""
    path = directory / "engine.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def wait_for(path: Path) -> None:
    """Wait until the file is there."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
