"""`keelway run`: the program keeps its streams, its signals and its exit code.

The engine is a script here that speaks the session protocol and answers nothing; programs are
shells. What a real engine does for them is in tests/integration/test_run.py.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.conftest import COMMAND, environment
from tests.support.terminal import Terminal, terminal

ENGINE = """\
#!/bin/sh
echo "$@ as $KEELWAY_ENGINE_PROGRESS" > "{folder}/started"
echo '{{"port": 4321, "session_token": "secret-token"}}'
cat > /dev/null
echo ended > "{folder}/ended"
"""
PATIENCE_S = 30

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """An environment that names the engine."""
    engine = tmp_path / "engine"
    engine.write_text(ENGINE.format(folder=tmp_path))
    engine.chmod(0o755)
    return environment(_EXPERIMENTAL_DAGGER_CLI_BIN=str(engine))


@pytest.fixture
def run(tmp_path: Path, variables: dict[str, str]) -> Run:
    """Run `keelway run` with these words, and wait for its end."""

    def call(*words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "run", *words],
            cwd=tmp_path,
            env={**variables, **more},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return call


@contextmanager
def started(
    folder: Path, variables: dict[str, str], *words: str, on: Terminal | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `keelway run`, on a terminal of its own if one is given."""
    stream = subprocess.DEVNULL if on is None else on.slave
    process = subprocess.Popen(
        [*([] if on is None else ["setsid", "--ctty"]), *COMMAND, "run", *words],
        cwd=folder,
        env=variables,
        stdin=stream,
        stdout=stream,
        stderr=stream,
        start_new_session=on is None,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)


def wait_for(path: Path) -> str:
    """Wait until a file has a line, and return it."""
    end = time.monotonic() + PATIENCE_S
    while not path.is_file() or not path.read_text().endswith("\n"):
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.02)
    return path.read_text()


def test_a_program_is_told_where_the_session_is(run: Run, tmp_path: Path) -> None:
    done = run("--", "sh", "-c", "echo $DAGGER_SESSION_PORT $DAGGER_SESSION_TOKEN")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4321 secret-token\n", "")
    assert (tmp_path / "started").read_text() == "session as plain\n"
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_the_streams_are_the_programs_own(run: Run) -> None:
    done = run("--", "sh", "-c", "cat; echo err >&2", stdin="a\0b")
    assert (done.stdout, done.stderr) == ("a\0b", "err\n")


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_the_exit_code_is_the_programs(run: Run, tmp_path: Path, script: str, code: int) -> None:
    assert run("--", "sh", "-c", script).returncode == code
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize("words", [("--",), ()])
def test_options_after_the_program_are_its_own(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "echo", "--engine", "--help", "-x", "--", "y")
    assert done.stdout == "--engine --help -x -- y\n"


def test_the_rest_of_the_environment_is_passed_on(run: Run) -> None:
    traced = {"TRACEPARENT": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "OTEL_SERVICE_NAME": "mine"}
    done = run("--", "sh", "-c", "echo $TRACEPARENT $OTEL_SERVICE_NAME", **traced)
    assert done.stdout.split() == list(traced.values())


def test_an_open_session_is_shared(run: Run, tmp_path: Path) -> None:
    open_one = {"DAGGER_SESSION_PORT": "99", "DAGGER_SESSION_TOKEN": "other"}
    done = run("--", "sh", "-c", "echo $DAGGER_SESSION_PORT $DAGGER_SESSION_TOKEN", **open_one)
    assert done.stdout == "99 other\n"
    assert not (tmp_path / "started").exists()


def test_nested_runs_share_one_session(run: Run, tmp_path: Path) -> None:
    done = run("--", *COMMAND, "run", "--", "sh", "-c", "echo $DAGGER_SESSION_PORT; exit 5")
    assert (done.returncode, done.stdout) == (5, "4321\n")
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("no-such-program", 127, "cannot run 'no-such-program': it is in no directory of PATH"),
        ("./no-such-program", 127, "cannot run './no-such-program': there is no such file"),
        ("./text", 126, "cannot run './text': it is not executable"),
        ("./", 126, "cannot run './': it is a directory"),
        ("./no-format", 126, "cannot run './no-format': Exec format error"),
    ],
)
def test_what_cannot_be_run(run: Run, tmp_path: Path, name: str, code: int, words: str) -> None:
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "no-format").write_bytes(b"\0\1\2")
    (tmp_path / "no-format").chmod(0o755)
    done = run("--", name)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"error: {words}\n")


def test_no_program_is_a_wrong_command_line(run: Run) -> None:
    assert run().returncode == 2
    assert run("--").returncode == 2


def test_an_engine_that_does_not_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("#!/bin/sh\necho no runtime >&2\nexit 3\n")
    done = run("--", "touch", "ran")
    assert done.returncode == 4
    assert "no runtime\n" in done.stderr
    assert "error: the engine 'dagger' did not start\n  why: it ended with code 3" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_no_engine_at_all(run: Run) -> None:
    done = run("--engine", "dagger", "--", "true", _EXPERIMENTAL_DAGGER_CLI_BIN="", PATH="/bin")
    assert done.returncode == 4
    assert "there is no engine to work with" in done.stderr


@pytest.mark.parametrize("form", ["json", "plain", "none", "tty"])
def test_progress_is_the_engines(run: Run, tmp_path: Path, form: str) -> None:
    assert run("--progress", form, "--", "true").returncode == 0
    # A live view needs a terminal: on a pipe it is lines.
    told = "plain" if form == "tty" else form
    assert (tmp_path / "started").read_text() == f"session as {told}\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"])
def test_signals_reach_the_program(tmp_path: Path, variables: dict[str, str], name: str) -> None:
    number = signal.Signals[name]
    script = f'trap "cat ended 2>&1; exit 9" {name[3:]}; echo up > up; while :; do sleep 0.05; done'
    with started(tmp_path, variables, "--", "sh", "-c", script) as process:
        wait_for(tmp_path / "up")
        assert not (tmp_path / "ended").exists()
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 9
    assert (tmp_path / "ended").exists()


def test_ctrl_c_comes_once_and_leaves_the_engine_alone(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    script = tmp_path / "count.py"
    script.write_text(
        "import os, signal, time\n"
        "heard = []\n"
        "signal.signal(signal.SIGINT, lambda *_: heard.append(1))\n"
        "print('up', flush=True)\n"
        "while not heard: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "print('heard', len(heard), 'engine ended', os.path.exists('ended'), flush=True)\n"
    )
    with (
        terminal() as screen,
        started(tmp_path, variables, "--", sys.executable, str(script), on=screen) as process,
    ):
        screen.wait_for("up")
        os.write(screen.master, b"\x03")
        assert process.wait(PATIENCE_S) == 0
        assert "heard 1 engine ended False" in screen.wait_for("heard")[-1]
    assert (tmp_path / "ended").exists()


def test_a_killed_run_takes_the_program_and_the_engine_with_it(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    script = "echo $$ > pid; while :; do sleep 0.05; done"
    with started(tmp_path, variables, "--", "sh", "-c", script) as process:
        pid = int(wait_for(tmp_path / "pid"))
        process.kill()
        process.wait(PATIENCE_S)
        wait_for(tmp_path / "ended")
        end = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
            assert time.monotonic() < end, "the program still runs"
            time.sleep(0.02)


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended and only waits for somebody to notice."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return bool(re.search(r"^State:\s+Z", status, re.MULTILINE))
