"""A plan carried out in front of the user: progress on standard error, the result on output."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from keelway._cli import output
from keelway._cli.caching import NO_CACHING
from keelway._cli.env import summary_file, terminal_form
from keelway._cli.prepare import prepare
from keelway._cli.step_summary import add_summary
from keelway._cli.stopping import run_until_stopped
from keelway.flow import release
from keelway.report.page.page import PAGE_FILE
from keelway.report.summary import summary
from keelway.report.terminal import open_terminal
from keelway.report.writing import REPORT_FILE
from keelway.running import run_plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from keelway._cli.caching import Caching
    from keelway._cli.prepare import Only, Prepared
    from keelway._stage import Run
    from keelway.model.engine_choice import EngineChoice
    from keelway.model.progress_form import ProgressForm
    from keelway.planning import Part, Plan


def carry_out(  # noqa: PLR0913 - a run has the options that it has
    config: Path | None,
    engine: EngineChoice,
    progress: ProgressForm,
    *,
    without: Mapping[Part, str] | None = None,
    changed_since: str | None = None,
    work: Callable[[Run, Plan], Awaitable[object]] = release,
    only: Only | None = None,
    rerun: bool = False,
    caching: Caching = NO_CACHING,
    as_json: bool,
) -> None:
    """Plan, run and report a release, or a part of one.

    Args:
        config: What `--config` named, if anything.
        engine: What does the work.
        progress: How it is told of.
        without: Parts to leave out, each with the reason.
        changed_since: Build only images with inputs that changed since this commit.
        work: What is done with the plan.
        only: The images and platforms that it is done for, if not for all.
        rerun: Whether tests run whatever they said before.
        caching: What the command line says of caches.
        as_json: Whether the result is the report as data.

    Raises:
        KeelwayError: What stopped the run; the report is written all the same.
        StoppedError: A signal did.
    """
    prepared = prepare(config, without, changed_since, only, rerun=rerun)
    carry_out_prepared(prepared, engine, progress, work=work, caching=caching, as_json=as_json)


def carry_out_prepared(
    prepared: Prepared,
    engine: EngineChoice,
    progress: ProgressForm,
    *,
    work: Callable[[Run, Plan], Awaitable[object]],
    caching: Caching | None = None,
    as_json: bool,
) -> None:
    """Run and report what was planned.

    Args:
        prepared: The plan, with what it was made from.
        engine: What does the work.
        progress: How it is told of.
        work: What is done with the plan.
        caching: What the command line says of caches; they stay where they are when absent.
        as_json: Whether the result is the report as data.

    Raises:
        KeelwayError: What stopped the run; the report is written all the same.
        StoppedError: A signal did.
    """
    caches = None if caching is None else caching.caches(prepared)
    directory = prepared.report_directory
    job = prepared.facts.job
    earlier = _written(directory / REPORT_FILE)
    try:
        form = terminal_form(progress)
        with open_terminal(
            Console(stderr=True), form, ci=None if job is None else job.provider
        ) as observer:
            document = run_until_stopped(
                partial(
                    run_plan,
                    work,
                    prepared.plan,
                    plan=prepared.plan,
                    directory=str(directory),
                    observer=observer,
                    engine=engine,
                    facts=prepared.facts,
                    caches=caches,
                )
            )
    finally:
        # Whatever happened: the report tells how far it came.
        _tell_report(directory, earlier, summarised=prepared.loaded.config.report.summary)
    output.result(document.model_dump_json(indent=2) if as_json else summary(document))


def _written(file: Path) -> int | None:
    """Return when a file was written; nothing when it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _tell_report(directory: Path, earlier: int | None, *, summarised: bool) -> None:
    """Name the reports, and show them beside the job; one that an earlier run left is not told."""
    report = directory / REPORT_FILE
    if _written(report) in {None, earlier}:
        return
    output.notice(f"report  {report}")
    if (directory / PAGE_FILE).exists():
        output.notice(f"page    {directory / PAGE_FILE}")
    summary_path = summary_file()
    if summarised and summary_path is not None:
        add_summary(report, summary_path)
