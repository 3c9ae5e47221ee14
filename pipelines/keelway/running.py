"""A plan carried out from the first line to the last: engine, flow, report.

What the command line calls. The reports are written whatever happens: when a stage fails, when the
gate says no, and after Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from keelway._registries import mirror_settings
from keelway._stage import Clock, Run, SystemClock
from keelway.announcing import announced
from keelway.caches.travel import travelling
from keelway.errors import KeelwayError
from keelway.model.events import Note, Observer, Several, Silent, StageSkipped
from keelway.model.outcome import Skipped
from keelway.report.files import write_files
from keelway.report.origin_part import origin_of
from keelway.report.pages import write_reports
from keelway.report.recorder import Recorder
from keelway.report.release_entry import release_ended, release_started
from keelway.session import EngineChoice, engine_name, open_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from keelway.caches.travel import Caches
    from keelway.facts import Facts
    from keelway.planning import Plan
    from keelway.report.document import FilePart, ReportDocument

T = TypeVar("T")
PIPELINE = "KEELWAY_ENGINE_PIPELINE"
"""Tells the local engine whose work it does: what a project used is what travels of its cache."""
OpenRun = Callable[[Observer, Clock], AbstractAsyncContextManager[Run]]
"""Gives the run that the work is done with, for whoever listens and a clock."""


async def run_plan(  # noqa: PLR0913 - the run, and by name what surrounds it
    work: Callable[[Run, T], Awaitable[object]],
    part: T,
    *,
    plan: Plan,
    directory: str,
    observer: Observer | None = None,
    engine: EngineChoice = EngineChoice.AUTO,
    facts: Facts | None = None,
    caches: Caches | None = None,
) -> ReportDocument:
    """Return the report of the work, which is written to `report.json` and for people too.

    Args:
        work: What is done: `flow.release`, `flow.verify`, or any function of a run and a plan.
        part: The plan, or the part of it that `work` takes.
        plan: The whole plan, for the report.
        directory: The report directory.
        observer: Who hears how it goes; nobody when absent, the report tells it all.
        engine: Which engine does it.
        facts: What is true here, for the report.
        caches: What is done with caches of the local engine.

    Raises:
        KeelwayError: What stopped the work; the report is written all the same.
    """
    settings = {**mirror_settings(plan.mirrors), PIPELINE: plan.project}

    @asynccontextmanager
    async def opened(everybody: Observer, clock: Clock) -> AsyncGenerator[Run]:
        async with (
            travelling(caches, engine_name(engine), everybody),
            open_session(engine, everybody, settings) as session,
        ):
            yield Run(session.client, everybody, clock)

    return await run_reported(
        work,
        part,
        plan=plan,
        directory=directory,
        observer=observer or Silent(),
        open_run=opened,
        facts=facts,
    )


async def run_reported(  # noqa: PLR0913 - the run, and by name what surrounds it
    work: Callable[[Run, T], Awaitable[object]],
    part: T,
    *,
    plan: Plan,
    directory: str,
    observer: Observer,
    open_run: OpenRun,
    facts: Facts | None = None,
) -> ReportDocument:
    """Return the report of the work, done with a run of one's own.

    Args:
        work: What is done.
        part: What `work` takes beside the run.
        plan: The whole plan, for the report.
        directory: The report directory.
        observer: Who hears how it goes.
        open_run: Gives the run.
        facts: What is true here, for the report.

    Raises:
        KeelwayError: What stopped the work; the report is written all the same.
    """
    clock = SystemClock()
    recorder = Recorder(
        project=plan.project,
        tags=plan.names.tags,
        started_at=clock.now(),
        origin=origin_of(plan.names, facts),
    )
    kinds = plan.verify.gate.judged_kinds()
    everybody = Several([recorder, observer])
    try:
        _tell_changes(plan, everybody, clock)
        async with open_run(everybody, clock) as run, _announced(run, plan, recorder):
            await work(run, part)
    except BaseException as error:
        # The first failure is the one to tell, not that its report could not be written either.
        files: tuple[FilePart, ...] = ()
        with suppress(KeelwayError):
            files = write_files(recorder.known(now=clock.now()), kinds, directory)
        with suppress(Exception):
            write_reports(recorder.document(now=clock.now(), error=error, files=files), directory)
        raise
    files = write_files(recorder.known(now=clock.now()), kinds, directory)
    return write_reports(recorder.document(now=clock.now(), files=files), directory)


@asynccontextmanager
async def _announced(run: Run, plan: Plan, recorder: Recorder) -> AsyncGenerator[None]:
    """Announce a release, and how it ended; what publishes nothing is none."""
    if isinstance(plan.deliver, Skipped):
        yield
        return
    now = run.clock.now
    started = release_started(plan.project, plan.names.version, plan.actor, now())
    async with announced(run, plan.announcements, started) as ended:
        try:
            yield
        except Exception as error:
            document = recorder.document(now=now(), error=error)
            ended.append(release_ended(started, document, at=now(), error=error))
            raise
        ended.append(release_ended(started, recorder.document(now=now()), at=now()))


def _tell_changes(plan: Plan, observer: Observer, clock: Clock) -> None:
    """Tell which images are built because they changed, and why the others are left out."""
    if plan.changes is None:
        return
    if plan.changes.note is not None:
        observer.on(Note(stage="build", text=plan.changes.note))
    for one in plan.changes.images:
        if one.changed:
            observer.on(Note(stage="build", text=f"{one.image} is built: {one.reason}"))
        else:
            name = f"image {one.image}"
            observer.on(StageSkipped(stage=name, reason=one.reason, at=clock.now()))
