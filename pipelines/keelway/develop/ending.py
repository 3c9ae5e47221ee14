"""A project that runs, found and ended: also when whoever ran it was killed."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from keelway.develop.state import StateFolder, StopDocument, known_projects
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from keelway.develop.state import ProcessPart, StateDocument

_SPARE_S = 120.0
"""What ending may take beside the time that services have for it."""
_GONE_S = 30.0
"""An engine whose client has gone ends by itself, in a second or two."""
_PAUSE_S = 0.05


def find_project(
    root: Path, start: Path, *, name: str | None = None, files: Sequence[Path] = ()
) -> StateFolder | None:
    """Return the project that is meant; nothing when there is none.

    Args:
        root: Where the states of projects are.
        start: The current folder; a project of it, or of the nearest one above it, is meant.
        name: The project's name.
        files: Its compose files.

    Raises:
        PlanError: There are several.
    """
    known = known_projects(root)
    if name is not None:
        return next((folder for folder in known if folder.name == name), None)
    states = [(folder, state) for folder in known if (state := folder.read()) is not None]
    wanted = {str((start / file).resolve()) for file in files}
    if wanted:
        return _only([one for one, state in states if wanted <= set(_resolved(state))])
    for above in (start, *start.parents):
        here = [one for one, state in states if state.folder == str(above)]
        if here:
            return _only(here)
    return None


def end_project(folder: StateFolder, stop: StopDocument, say: Callable[[str], None]) -> bool:
    """End a project and everything of it; return whether it ran.

    Args:
        folder: Its state, which is removed.
        stop: How it is to end.
        say: Is told what is done.

    Raises:
        PlanError: It runs, and cannot be ended.
    """
    state = folder.read()
    ran = folder.is_held()
    if ran:
        if state is None:
            raise PlanError(
                f"the project {folder.name} runs, and its state in {folder.path} cannot be read",
                next_step="if it has just been started: try again",
            )
        say(f"stopping {folder.name}")
        _end_process(folder, state, stop)
    elif state is not None and state.phase in {"starting", "ready", "stopping"}:
        say(f"whoever ran {folder.name} has gone; looking for what is left")
    if state is not None:
        end_rest(state)
    folder.remove()
    return ran


def end_rest(state: StateDocument) -> None:
    """Wait for the end of what a process that has gone had started, and bring it about if need be.

    Everything that an engine runs ends with it.
    """
    _wait(lambda: not any(part.lives() for part in state.engine), _GONE_S)
    for part in state.engine:
        _kill(part, signal.SIGKILL)
    _wait(lambda: not any(part.lives() for part in state.engine), _GONE_S)


def _end_process(folder: StateFolder, state: StateDocument, stop: StopDocument) -> None:
    folder.ask(stop)
    _kill(state.process, signal.SIGTERM)
    services = len(state.services)
    grace = state.grace_s if stop.timeout_s is None else stop.timeout_s * services
    if not _wait(lambda: not folder.is_held(), grace + _SPARE_S):
        _kill(state.process, signal.SIGKILL)
        if not _wait(lambda: not folder.is_held(), _GONE_S):
            raise PlanError(
                f"the project {folder.name} does not end (process {state.process.pid})",
                next_step="look what that process waits for, and end it",
            )


def _kill(part: ProcessPart, number: int) -> None:
    if part.lives():
        with suppress(ProcessLookupError):
            os.kill(part.pid, number)


def _wait(true: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _resolved(state: StateDocument) -> list[str]:
    from pathlib import Path  # noqa: PLC0415 - only here

    return [str(Path(file).resolve()) for file in state.files]


def _only(found: Sequence[StateFolder]) -> StateFolder | None:
    if len(found) > 1:
        raise PlanError(
            f"several projects run from here: {', '.join(folder.name for folder in found)}",
            next_step="name one with --project-name",
        )
    return found[0] if found else None
