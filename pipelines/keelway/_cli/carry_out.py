"""A plan carried out in front of the user: progress on standard error, the result on output."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from keelway._cli import output
from keelway._cli.env import terminal_form
from keelway._cli.prepare import prepare
from keelway._cli.stopping import run_until_stopped
from keelway.flow import release
from keelway.report.recorder import REPORT_FILE
from keelway.report.summary import summary
from keelway.report.terminal import open_terminal
from keelway.running import run_plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from keelway._stage import Run
    from keelway.model.engine_choice import EngineChoice
    from keelway.model.progress_form import ProgressForm
    from keelway.planning import Part, Plan


def carry_out(
    config: Path | None,
    engine: EngineChoice,
    progress: ProgressForm,
    *,
    without: Mapping[Part, str] | None = None,
    work: Callable[[Run, Plan], Awaitable[object]] = release,
    as_json: bool,
) -> None:
    """Plan, run and report a release, or a part of one.

    Args:
        config: What `--config` named, if anything.
        engine: What does the work.
        progress: How it is told of.
        without: Parts to leave out, each with the reason.
        work: What is done with the plan.
        as_json: Whether the result is the report as data.

    Raises:
        KeelwayError: What stopped the run; the report is written all the same.
        StoppedError: A signal did.
    """
    prepared = prepare(config, without)
    directory = prepared.report_directory
    try:
        with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
            document = run_until_stopped(
                partial(
                    run_plan,
                    work,
                    prepared.plan,
                    plan=prepared.plan,
                    directory=str(directory),
                    observer=observer,
                    engine=engine,
                )
            )
    finally:
        # Whatever happened: the report tells how far it came.
        if (directory / REPORT_FILE).exists():
            output.notice(f"report  {directory / REPORT_FILE}")
    output.result(document.model_dump_json(indent=2) if as_json else summary(document))
