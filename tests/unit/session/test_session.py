"""Opening and closing a session, with the real SDK and an engine program that records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from keelway._stage import Run
from keelway.errors import SessionError
from keelway.model.events import EngineChosen, StepEnded, StepOutput, StepStarted
from keelway.session import EngineChoice, open_session
from keelway.stages.build import BuildSpec, ImageSpec, build
from tests.support.observing import Listener
from tests.support.recording import RecordingEngine

pytestmark = pytest.mark.usefixtures("fake_local_engine")


async def test_the_choice_and_its_reason_are_told() -> None:
    heard = Listener()
    async with open_session(EngineChoice.LOCAL, heard) as session:
        assert await session.client.version() == "v0.0.0-recording"
    chosen = EngineChosen(name="local", reason="it was asked for", version="v0.0.0-recording")
    assert heard.of(EngineChosen) == [chosen]


async def test_the_engines_progress_becomes_events() -> None:
    heard = Listener()
    async with open_session(EngineChoice.LOCAL, heard):
        pass
    assert heard.of(StepStarted) == [StepStarted(step="1", name="pull app")]
    assert heard.of(StepEnded) == [StepEnded(step="1", cached=True, seconds=0.5)]
    said = [output.text for output in heard.of(StepOutput)]
    assert said[0] == "progress as json"


async def test_the_engine_is_told_to_end(capfd: pytest.CaptureFixture[str]) -> None:
    heard = Listener()
    async with open_session(EngineChoice.LOCAL, heard):
        pass
    assert "ended in order" in [output.text for output in heard.of(StepOutput)]
    assert capfd.readouterr() == ("", "")


async def test_the_environment_is_as_it_was() -> None:
    before = dict(os.environ)
    async with open_session(EngineChoice.LOCAL):
        assert dict(os.environ) == before


async def test_an_engine_that_does_not_start_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "refuse")
    with pytest.raises(SessionError) as raised:
        async with open_session(EngineChoice.LOCAL):
            pass
    text = raised.value.diagnostics()
    assert raised.value.exit_code == 4
    assert "no container runtime" in text
    assert "tried: starting the fake engine" in text
    assert "abcdefghijklmnopqrstuvwxyz" not in text


async def test_an_engine_that_dies_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_ENGINE", "die")
    began = time.monotonic()
    with pytest.raises(SessionError, match="the engine went away") as raised:
        async with open_session(EngineChoice.LOCAL) as session:
            await build(Run(session.client), BuildSpec(images=(ImageSpec(context=str(tmp_path)),)))
    assert raised.value.exit_code == 4
    assert time.monotonic() - began < 10, "it is not waited for an engine that will not come back"


async def test_a_session_of_somebody_else_is_used_and_left_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = RecordingEngine()
    with engine.serve():
        for name, value in engine.environment().items():
            monkeypatch.setenv(name, value)
        for _ in range(2):
            async with open_session(EngineChoice.AUTO) as session:
                assert session.name == "session"


async def test_a_session_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGGER_SESSION_PORT", "1")
    monkeypatch.setenv("DAGGER_SESSION_TOKEN", "x")
    with pytest.raises(SessionError) as raised:
        async with open_session():
            pass
    assert "127.0.0.1:1" in raised.value.diagnostics()


def test_ctrl_c_ends_the_engine_and_leaves_a_report(tmp_path: Path) -> None:
    fake = Path(__file__).parents[2] / "support" / "fake_engine.py"
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
            import signal
            import sys
            from types import SimpleNamespace
            import anyio
            from keelway import _engines
            from keelway.gating.rule import GateSpec
            from keelway.model.events import Silent
            from keelway.planning import Plan
            from keelway.running import run_plan
            from keelway.tags.naming import Names

            def local(reason):
                return _engines.Program(
                    name="local", reason=reason, command=(sys.executable, {str(fake)!r}),
                    tried="", next_step="",
                )

            # A shell starts its background jobs with SIGINT ignored.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _engines._local = local
            verify = SimpleNamespace(gate=GateSpec())
            plan = Plan(project="p", names=Names(tags=(), unused=()), verify=verify, deliver=None)

            async def work(run, part):
                print(await run.dag.version(), flush=True)
                await anyio.sleep(60)

            async def main():
                await run_plan(
                    work, None, plan=plan, directory={str(tmp_path)!r}, observer=Silent()
                )

            anyio.run(main)
            """)
    )
    clean = {name: value for name, value in os.environ.items() if "DAGGER" not in name}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "v0.0.0-recording\n"
        os.kill(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in stderr
    report = (tmp_path / "report.json").read_text()
    assert '"outcome": "cancelled"' in report
    assert '"exit_code": 130' in report
    assert not _processes_of(fake)


def _processes_of(script: Path) -> list[str]:
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_text().split("\0")
        except OSError:
            continue
        if str(script) in words:
            lines.append(" ".join(words))
    return lines
