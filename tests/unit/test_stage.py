"""The contract of a stage: what it tells, how it fails, how it is skipped."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import dagger
import httpx
import pytest

from keelway._stage import Run, SystemClock, failures_of, stage, translate
from keelway.errors import PlanError, SessionError, StageError, ToolError
from keelway.model.events import ItemEnded, ItemStarted, StageEnded, StageSkipped, StageStarted
from keelway.model.outcome import Skipped, Status
from tests.support.observing import Listener
from tests.support.recording import Failure, RecordingEngine


@stage("double")
async def double(run: Run, spec: int, times: int = 2) -> int:
    """Return a multiple."""
    run.say("double", f"{spec} x {times}")
    await anyio.lowlevel.checkpoint()
    if spec < 0:
        raise PlanError("negative")
    if spec == 0:
        await anyio.sleep(60)
    return spec * times


@pytest.fixture
def heard() -> Listener:
    return Listener()


@pytest.fixture
def run(heard: Listener) -> Run:
    return Run(dagger.Client(), heard)


async def test_it_tells_its_start_its_notes_and_its_result(run: Run, heard: Listener) -> None:
    assert await double(run, 4, times=3) == 12
    started, _, ended = heard.events
    assert isinstance(started, StageStarted)
    assert isinstance(ended, StageEnded)
    assert (ended.stage, ended.status, ended.result, ended.error) == ("double", "ok", 12, None)
    assert ended.at >= started.at
    assert heard.notes() == ["4 x 3"]


async def test_what_it_works_on_side_by_side_is_told_one_by_one(run: Run, heard: Listener) -> None:
    async def half(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        if number == 5:
            await anyio.sleep(60)
        if number % 2:
            raise PlanError("odd")
        return number // 2

    work = run.watched("half", lambda number: f"number {number}", half)
    assert await work(4) == 2
    with pytest.raises(PlanError, match="odd"):
        await work(3)
    with anyio.move_on_after(0.01):
        await work(5)
    assert [one.item for one in heard.of(ItemStarted)] == ["number 4", "number 3", "number 5"]
    assert [(one.stage, one.status) for one in heard.of(ItemEnded)] == [
        ("half", Status.OK),
        ("half", Status.FAILED),
        ("half", Status.CANCELLED),
    ]


async def test_a_skipped_one_returns_the_reason_and_does_nothing(run: Run, heard: Listener) -> None:
    assert await double(run, Skipped("no need")) == Skipped("no need")
    (event,) = heard.events
    assert isinstance(event, StageSkipped)
    assert event.reason == "no need"


async def test_a_failure_is_told_and_raised(run: Run, heard: Listener) -> None:
    with pytest.raises(PlanError, match="negative"):
        await double(run, -1)
    (ended,) = heard.of(StageEnded)
    assert ended.status is Status.FAILED
    assert isinstance(ended.error, PlanError)


async def test_being_stopped_is_told(run: Run, heard: Listener) -> None:
    with anyio.move_on_after(0.01):
        await double(run, 0)
    (ended,) = heard.of(StageEnded)
    assert (ended.status, ended.error) == (Status.CANCELLED, None)


def test_it_keeps_its_name_and_its_documentation() -> None:
    assert getattr(double, "__name__", "") == "double"
    assert double.__doc__ == "Return a multiple."


@pytest.mark.parametrize(
    "error",
    [
        dagger.TransportError("Connection refused"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        ConnectionResetError("reset"),
        anyio.BrokenResourceError(),
    ],
)
def test_a_lost_engine_is_a_session_error(error: Exception) -> None:
    known = translate(error, stage="build", doing="building orders")
    assert isinstance(known, SessionError)
    assert known.message == "building orders failed: the engine went away"


def test_a_query_that_cannot_be_made_is_a_stage_error() -> None:
    known = translate(dagger.InvalidQueryError("no such field"), stage="build")
    assert isinstance(known, StageError)
    assert known.message == "the stage build failed: no such field"


def test_a_mistake_of_the_program_stays_what_it_is() -> None:
    assert translate(ZeroDivisionError(), stage="build") is None


def test_the_clock_is_aware() -> None:
    assert SystemClock().now().utcoffset() is not None


@pytest.mark.parametrize(
    ("message", "headline"),
    [
        (
            "Dockerfile:4: RUN make TOKEN=s3cret all: exit code: 2",
            "building orders failed: Dockerfile:4: RUN make TOKEN=*** all ended with exit code 2",
        ),
        (
            'process "/bin/sh -c make" did not complete successfully: exit code: 2',
            "building orders failed: a command ended with exit code 2",
        ),
        ("exit code: 2", "building orders failed: a command ended with exit code 2"),
    ],
)
async def test_a_failing_command_is_named_by_its_step(message: str, headline: str) -> None:
    engine = RecordingEngine()
    command = ["/bin/sh", "-c", "make TOKEN=s3cret all"]
    streams = {"cmd": command, "exitCode": 2, "stdout": "", "stderr": "no rule to make all"}
    engine.answer("stdout", Failure(message, {"_type": "EXEC_ERROR", **streams}))
    async with engine.connect() as dag:
        with (
            pytest.raises(ToolError) as caught,
            failures_of("build", "building orders", ["s3cret"]),
        ):
            await dag.container().stdout()
    first, *rest = caught.value.diagnostics().splitlines()
    assert first == headline
    assert rest == [
        "command: /bin/sh -c make TOKEN=*** all",
        "exit code: 2",
        "output:",
        "  no rule to make all",
    ]
