"""A project that runs, looked at and ended from another terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.log_view import LineView
from keelway._cli.ps_view import document, table
from keelway.config.explain import nearest
from keelway.develop.ending import end_project, find_project
from keelway.develop.log import read_log
from keelway.develop.state import StopDocument, state_root
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.develop.state import StateDocument, StateFolder


def show_logs(
    name: str | None,
    files: Sequence[Path],
    services: Sequence[str],
    *,
    tail: int | None,
    follow: bool,
    times: bool,
) -> None:
    """Show what services wrote.

    Raises:
        PlanError: There is no such project, or no such service in it.
    """
    folder, state = _known(name, files)
    known = [service.name for service in state.services]
    for service in services:
        if service not in known:
            near = nearest(service, known)
            raise PlanError(
                f"the project {state.name} has no service {service!r}",
                next_step=f"{f'did you mean {near!r}? ' if near else ''}known: {', '.join(known)}",
            )
    view = LineView(services or known, with_times=times)
    goes_on = folder.is_held if follow else lambda: False
    for entry in read_log(folder.log, services, tail, goes_on):
        view.show(entry)


def show_services(name: str | None, files: Sequence[Path], *, as_json: bool) -> None:
    """Show what services have come to.

    Raises:
        PlanError: There is no such project.
    """
    state = now(name, files)
    output.result(document(state) if as_json else table(state))


def now(name: str | None, files: Sequence[Path]) -> StateDocument:
    """Return what a project's services have come to; it is said when it does not run any more.

    Raises:
        PlanError: There is no such project.
    """
    folder, state = _known(name, files)
    if folder.is_held():
        return state
    output.notice(
        f"{state.name} does not run any more: `keelway logs` has what was written, "
        "`keelway down` tidies up"
    )
    if state.phase in {"failed", "ended"}:
        return state
    gone = (one.model_copy(update={"state": "gone", "health": ""}) for one in state.services)
    return state.model_copy(update={"services": tuple(gone)})


def end(name: str | None, files: Sequence[Path], *, timeout_s: float | None, volumes: bool) -> None:
    """End a project.

    Raises:
        PlanError: It cannot be ended, or several are meant.
    """
    folder = _found(name, files)
    if folder is None:
        output.notice("nothing runs here")
        return
    ran = end_project(folder, StopDocument(timeout_s=timeout_s, volumes=volumes), output.notice)
    if volumes and not ran:
        output.notice(
            "warning: the named volumes keep what they have: they are emptied when a project that "
            "runs is ended"
        )


def _known(name: str | None, files: Sequence[Path]) -> tuple[StateFolder, StateDocument]:
    folder = _found(name, files)
    state = None if folder is None else folder.read()
    if folder is None or state is None:
        raise PlanError(
            f"the project {name} does not run" if name else "no project runs from here",
            next_step="`keelway up` starts one; --project-name names one of another folder",
        )
    return folder, state


def _found(name: str | None, files: Sequence[Path]) -> StateFolder | None:
    environ = environment()
    asked = name or environ.get("COMPOSE_PROJECT_NAME") or None
    return find_project(state_root(environ), Path.cwd(), name=asked, files=files)
