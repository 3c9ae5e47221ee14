"""A project that runs in front of the user, or in the background."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from keelway._cli import output
from keelway._cli.background import detach
from keelway._cli.env import environment, sole_form
from keelway._cli.log_view import LineView
from keelway._cli.ps_view import table
from keelway._cli.stopping import run_until_stopped
from keelway._engines import SESSION_PORT
from keelway.develop.ending import end_rest
from keelway.develop.planned import plan_up
from keelway.develop.state import StateFolder, state_root
from keelway.develop.up import Audience, run_project
from keelway.errors import PlanError
from keelway.report.terminal import open_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.develop.log import Entry
    from keelway.develop.planned import Asked, Development
    from keelway.develop.up import Options
    from keelway.model.progress_form import ProgressForm

_CLOSING_S = 120.0
"""What stopping may take beside the time that services have for it."""


def bring_up(asked: Asked, options: Options, progress: ProgressForm) -> None:
    """Run a project until it ends, or until it is ready where it runs on in the background.

    Raises:
        KeelwayError: What is wrong with it, or went wrong.
        StoppedError: A signal ended it.
    """
    environ = environment()
    if options.background and environ.get(SESSION_PORT):
        raise PlanError(
            "a session that is open already ends with who opened it: nothing runs on in it",
            next_step=f"unset {SESSION_PORT}, or run without --detach",
        )
    development = plan_up(asked, Path.cwd(), environ)
    folder = StateFolder(state_root(environ) / development.project.name)
    lock = _locked(folder)
    before = folder.read()
    if before is not None:
        end_rest(before)
    folder.clear()
    for note in development.notes:
        output.notice(f"warning: {note}")
    if options.background:
        detach(folder, lambda ready: _run(development, folder, options, progress, ready))
        _show_ready(folder)
        return
    try:
        _run(development, folder, options, progress, partial(_show_ready, folder))
    finally:
        folder.remove()
        os.close(lock)


def _locked(folder: StateFolder) -> int:
    lock = folder.lock()
    if lock is not None:
        return lock
    state = folder.read()
    who = "" if state is None else f" from {state.folder} (process {state.process.pid})"
    raise PlanError(
        f"the project {folder.name} runs already{who}",
        next_step="`keelway logs --follow` shows what it does, `keelway down` ends it; "
        "--project-name gives this one another name",
    )


def _run(
    development: Development,
    folder: StateFolder,
    options: Options,
    progress: ProgressForm,
    ready: Callable[[], None],
) -> None:
    view = LineView(development.project.services)
    with open_terminal(Console(stderr=True), sole_form(progress)) as observer:
        run_until_stopped(
            partial(
                run_project,
                development,
                folder,
                options,
                Audience(
                    observer=observer,
                    show=_nobody if options.background else partial(_shown, view),
                    ready=ready,
                ),
            ),
            grace_s=development.grace_s + _CLOSING_S,
        )


def _shown(view: LineView, entry: Entry) -> None:
    try:
        view.show(entry)
    except BrokenPipeError:
        # Whoever read our output has gone, and there is nobody to run for: stop in order.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


def _nobody(_entry: Entry) -> None:
    """Show nothing: whoever wants to see it asks for the logs."""


def _show_ready(folder: StateFolder) -> None:
    state = folder.read()
    if state is not None:
        with suppress(BrokenPipeError):
            output.notice(table(state))
