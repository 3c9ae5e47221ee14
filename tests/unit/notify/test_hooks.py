"""Commands before and after: what they are told, what stops, and that they end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from keelway.announcing import Announcements, Herald, announced
from keelway.errors import PlanError, ToolError
from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.notify.hooks import Hook, HooksSpec
from keelway.stages.hooks import run_hooks
from tests.support.observing import Listener
from tests.support.told import DIGEST, an_entry

SHOW = 'env | grep ^KEELWAY_ > "$KEELWAY_OUTCOME.txt"; pwd >> "$KEELWAY_OUTCOME.txt"'


def a_hook(script: str, **changes: Any) -> Hook:
    known: dict[str, Any] = {
        "name": "check",
        "before": True,
        "event": DeliveryEvent.DEPLOY,
        "command": ("sh", "-c", script),
        "fails": "stop",
        "timeout_s": 20,
    }
    return Hook(**{**known, **changes})


def spec(folder: Path, *hooks: Hook) -> HooksSpec:
    return HooksSpec(hooks=hooks, folder=folder)


async def test_a_command_is_told_what_happens(tmp_path: Path) -> None:
    await run_hooks(Herald(), spec(tmp_path, a_hook(SHOW)), an_entry(), before=True)
    *lines, folder = (tmp_path / "rolled-back.txt").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert folder.endswith(tmp_path.name)
    assert told["KEELWAY_EVENT"] == "deploy"
    assert told["KEELWAY_VERSION"] == "1.2.3"
    assert told["KEELWAY_ENVIRONMENT"] == "production"
    assert told["KEELWAY_HOSTS"] == "web1.example.com,web2.example.com"
    assert json.loads(told["KEELWAY_IMAGES"])["orders"].endswith(DIGEST)
    assert told["KEELWAY_ACTOR"] == "ann"
    assert told["KEELWAY_RUN_URL"].startswith("https://ci.example.com/")


async def test_it_gets_no_variable_that_was_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "x")
    monkeypatch.setenv("WANTED", "y")
    hook = a_hook('echo "${SOME_PASSWORD-none} $WANTED" > seen', variables=("WANTED",))
    await run_hooks(Herald(), spec(tmp_path, hook), an_entry(), before=True)
    assert (tmp_path / "seen").read_text() == "none y\n"


async def test_one_that_fails_before_stops_it(tmp_path: Path) -> None:
    hook = a_hook("echo https://ann:hunter2@x.example.com is down; exit 3")
    with pytest.raises(ToolError) as caught:
        await run_hooks(Herald(), spec(tmp_path, hook), an_entry(), before=True)
    said = caught.value.diagnostics()
    assert "the hook check ended with exit code 3: the deploy is stopped" in said
    assert "is down" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("command", [("sh", "-c", "echo no; exit 4"), ("/no/such/program",)])
async def test_one_that_may_fail_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    heard = Listener()
    hook = a_hook("", command=command, fails="tell", before=False)
    await run_hooks(Herald(observer=heard), spec(tmp_path, hook), an_entry(), before=False)
    [note] = heard.notes()
    assert note.startswith("warning: the hook check ")


async def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    hook = a_hook("sleep 300 & echo $! > child; wait", timeout_s=1)
    with pytest.raises(ToolError, match="did not end within 1 s"):
        await run_hooks(Herald(), spec(tmp_path, hook), an_entry(), before=True)
    child = int((tmp_path / "child").read_text())
    await anyio.to_thread.run_sync(wait_until_gone, child)


def wait_until_gone(pid: int) -> None:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        try:
            Path(f"/proc/{pid}/exe").readlink()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} lives on")


async def test_only_those_of_this_event_and_environment_run(tmp_path: Path) -> None:
    hooks = (
        a_hook("exit 1", event=DeliveryEvent.PROMOTE),
        a_hook("exit 1", environments=("staging",)),
        a_hook("exit 1", before=False),
    )
    await run_hooks(Herald(), spec(tmp_path, *hooks), an_entry(), before=True)


async def test_what_is_announced_ends_in_any_case(tmp_path: Path) -> None:
    plan = Announcements(hooks=spec(tmp_path, a_hook(SHOW), a_hook(SHOW, before=False)))
    started = an_entry(outcome=DeliveryOutcome.STARTED, reason=None)
    with pytest.raises(PlanError):
        async with announced(Herald(), plan, started):
            raise PlanError("no host is reached")
    assert (tmp_path / "started.txt").exists()
    assert "KEELWAY_REASON=no host is reached" in (tmp_path / "failed.txt").read_text()


async def test_what_is_announced_tells_how_it_came_out(tmp_path: Path) -> None:
    plan = Announcements(hooks=spec(tmp_path, a_hook(SHOW, before=False)))
    async with announced(Herald(), plan, an_entry(outcome=DeliveryOutcome.STARTED)) as ended:
        ended.append(an_entry(outcome=DeliveryOutcome.SUCCEEDED))
    assert (tmp_path / "succeeded.txt").exists()


async def test_what_is_interrupted_is_told_as_failed(tmp_path: Path) -> None:
    plan = Announcements(hooks=spec(tmp_path, a_hook(SHOW, before=False)))
    with anyio.move_on_after(0.2):
        async with announced(Herald(), plan, an_entry(outcome=DeliveryOutcome.STARTED)):
            await anyio.sleep_forever()
    assert "KEELWAY_REASON=it was interrupted" in (tmp_path / "failed.txt").read_text()


async def test_what_a_command_stops_has_failed(tmp_path: Path) -> None:
    plan = Announcements(hooks=spec(tmp_path, a_hook("exit 1"), a_hook(SHOW, before=False)))
    with pytest.raises(ToolError):
        async with announced(Herald(), plan, an_entry(outcome=DeliveryOutcome.STARTED)):
            pytest.fail("it was stopped before it began")
    assert "is stopped before it begins" in (tmp_path / "failed.txt").read_text()
