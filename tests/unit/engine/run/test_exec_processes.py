"""Processes of a command: what reaps them, what signals them, what ends them."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.run.spec import ExecSpec
from tests.unit.engine.run.sandboxed import PATH, Box, in_sandbox
from tests.unit.engine.run.test_exec import only

if TYPE_CHECKING:
    from keelway.engine.run.enter import Sandbox


@pytest.fixture(params=["crun", "runc"], autouse=True)
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Run the test with each runtime in turn."""
    name = str(request.param)
    only(name, monkeypatch, tmp_path)
    return name


def test_the_init_reaps_and_forwards(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        # The first sleep is an orphan; the last one is the command, and waits for no child.
        orphans = "(sleep 0.1 &); (sleep 0.4; ps -o stat,comm) & exec sleep 0.7"
        with_init = box.sh(orphans).text
        assert "init" in with_init
        assert "Z" not in with_init
        assert "Z" in box.sh(orphans, init=False).text, "sleep as PID 1 does not reap"
        forwarded = "trap 'echo got it; exit 3' TERM; kill -TERM 1; sleep 1 & wait $!; exit 4"
        assert box.sh(forwarded, code=3).text == "got it\n"
        shown = box.sh("ls -a /proc/1/root/; tr '\\0' ' ' </proc/1/cmdline", privileged=True).text
        assert shown.split() == [".", "..", "/.init"], "the init shows nothing of the host"

    in_sandbox(work)


@pytest.mark.parametrize("init", [True, False])
def test_what_a_command_leaves_running_is_ended(rootfs: Path, *, init: bool) -> None:
    def work(sandbox: Sandbox) -> float:
        box = Box.make(sandbox, rootfs)
        started = time.monotonic()
        box.sh("sleep 60 & echo started", init=init)
        assert not [line for line in _commands() if "sleep" in line]
        return time.monotonic() - started

    assert in_sandbox(work) < 10


def _commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("init", [True, False])
def test_kill_and_signal_from_another_thread(rootfs: Path, *, init: bool) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        spec = ExecSpec(root=rootfs, argv=["sleep", "60"], env=[PATH], init=init)
        process = box.runtime.start(spec)
        pump = threading.Thread(target=process.pump, args=[print, print])
        pump.start()
        assert process.wait(0.3) is None
        process.kill()
        assert process.wait(10) == 128 + signal.SIGKILL
        pump.join()
        process.kill()  # over: nothing happens
        process.signal(signal.SIGTERM)

    in_sandbox(work)


def test_terminating_a_service(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        spec = ExecSpec(root=rootfs, argv=["/bin/sh", "-c", script], env=[PATH])
        up = threading.Event()
        said: list[bytes] = []

        def on_stdout(data: bytes) -> None:
            said.append(data)
            up.set()

        process = box.runtime.start(spec)
        pump = threading.Thread(target=process.pump, args=[on_stdout, said.append])
        pump.start()
        assert up.wait(10)
        process.signal(signal.SIGTERM)
        assert process.wait(10) == 0
        pump.join()
        assert b"".join(said) == b"up\nbye\n"

    in_sandbox(work)


def test_a_sink_that_raises_ends_the_exec(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)

        def refuse(_: bytes) -> None:
            raise InterruptedError("cancelled")

        spec = ExecSpec(root=rootfs, argv=["/bin/sh", "-c", "echo x; sleep 60"], env=[PATH])
        started = time.monotonic()
        with pytest.raises(InterruptedError):
            box.runtime.run(spec, on_stdout=refuse)
        assert time.monotonic() - started < 10
        assert not [line for line in _commands() if "sleep" in line]
        assert not list(sandbox.state_dir.rglob("keelway-*"))

    in_sandbox(work)
