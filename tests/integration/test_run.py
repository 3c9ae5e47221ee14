"""`keelway run` with the local engine: what programs find, what people see, what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.collector import collector
from tests.support.leftovers import host_interfaces, traces, wait_until
from tests.support.projects import program
from tests.support.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Project
    from tests.support.sample_images import SampleImages

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PIPELINE = """\
import anyio, dagger, sys

async def main():
    async with dagger.connection():
        ready = dagger.dag.container().from_(sys.argv[1]).with_env_variable("N", sys.argv[2])
        print(await ready.with_exec(["sh", "-c", sys.argv[3]]).stdout(), end="", flush=True)

anyio.run(main)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a pipeline."""
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    return tmp_path


@pytest.fixture
def variables(store: Path) -> dict[str, str]:
    """An environment that names no session."""
    kept = ("PATH", "HOME", "LANG")
    given = {name: os.environ[name] for name in kept if name in os.environ}
    return {**given, "KEELWAY_STORE": str(store), "TERM": "xterm-256color"}


def words(image: str, nonce: str, script: str, *options: str) -> list[str]:
    """Return the command line that runs the pipeline."""
    before = [str(program()), "run", "--engine", "local", *options, "--"]
    return [*before, sys.executable, "pipeline.py", image, nonce, script]


def test_a_pipeline_of_the_python_sdk(
    folder: Path, variables: dict[str, str], samples: SampleImages, nonce: str
) -> None:
    done = subprocess.run(
        words(samples.busybox, nonce, "echo said", "--progress", "json"),
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "said\n")
    events: list[dict[str, Any]] = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["text"] for one in events if one["event"] == "log"] == ["said\n"]


def test_a_live_view_beside_a_result_that_goes_elsewhere(
    folder: Path, variables: dict[str, str], samples: SampleImages, nonce: str
) -> None:
    script = "echo working; test -e /tmp || exit 1; sleep 1; echo result"
    with terminal(columns=60) as screen:
        process = subprocess.Popen(
            words(samples.busybox, nonce, script),
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=screen.slave,
            text=True,
        )
        rows = screen.wait_for("│ working")
        assert any("exec sh -c" in row and row.endswith("s") for row in rows)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "working\nresult\n")
        rows = screen.settle()
    assert any(row.startswith("✔ exec sh -c") for row in rows)
    assert " done, " in rows[-1]
    assert all(len(row) < 60 for row in rows)


def test_the_sdks_requests_carry_the_trace_of_their_caller(
    folder: Path, variables: dict[str, str], samples: SampleImages, nonce: str
) -> None:
    with collector() as collected:
        done = subprocess.run(
            words(samples.busybox, nonce, "echo traced"),
            cwd=folder,
            env={
                **variables,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collected.url,
                "TRACEPARENT": f"00-{TRACE}-{SPAN}-01",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, "traced\n")
        span = collected.span("echo traced")
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)


def test_keelway_itself_shares_the_session(project: Project) -> None:
    inner = [str(program()), "build", "--json", "--progress", "plain"]
    done = project.keelway("run", "--engine", "local", "--", *inner)
    assert done.code == 0, done.text()
    assert json.loads(done.out)["engine"]["name"] == "session"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run_that_is_stopped(
    folder: Path,
    variables: dict[str, str],
    samples: SampleImages,
    nonce: str,
    number: signal.Signals,
) -> None:
    interfaces = host_interfaces()
    step = f"sleep 300; echo {nonce}"
    own = str(folder / "store")
    process = subprocess.Popen(
        words(samples.busybox, nonce, step),
        cwd=folder,
        env={**variables, "KEELWAY_STORE": own},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: bool(traces(f"sh -c {step}").processes), seconds=30)
        process.send_signal(number)
        assert process.wait(30) == (143 if number == signal.SIGTERM else -number)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert wait_until(lambda: not traces(own), seconds=15), traces(own)
    assert wait_until(lambda: host_interfaces() <= interfaces, seconds=5)
