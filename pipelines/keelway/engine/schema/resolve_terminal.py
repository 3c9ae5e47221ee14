"""Terminals: a command of a container, a directory or a service that the user sits at."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.command import ExecOptions, Extras, command_node
from keelway.engine.graph.container import Container, Mount, with_mount
from keelway.engine.graph.terminal import TerminalCommand
from keelway.engine.schema import resolve_image
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import current_request
from keelway.engine.solve.terminals import run_at_terminal

if TYPE_CHECKING:
    from keelway.engine.graph.service import Service
    from keelway.engine.graph.values import Directory
    from keelway.engine.run.terminal import Terminal
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

TERMINAL = Resolvers()

_IMAGE = "alpine:latest"
"""What a directory is looked at from when nothing is said."""
_MOUNTED = "/src"
_KIND = "xterm"


@TERMINAL.field("Container", "withDefaultTerminalCmd")
def with_default(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set what a terminal of the container runs."""
    return replace(parent, terminal=_command(args, args["args"], TerminalCommand()))


@TERMINAL.field("Container", "terminal")
def of_container(parent: Container, args: Arguments, session: Session) -> Container:
    """Let the user sit at a command in the container; the container goes on unchanged."""
    _open(parent, args, session, "Container.terminal")
    return parent


@TERMINAL.field("Directory", "terminal")
def of_directory(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Let the user look at the directory from a container; it goes on unchanged."""
    terminal(session, "Directory.terminal")  # before an image is pulled for nothing
    if args.get("container") is not None:
        container = session.container(args["container"])
    else:
        empty = Container(platform=session.default_platform)
        container = resolve_image.from_(empty, {"address": _IMAGE}, session)
    mount = Mount(target=_MOUNTED, kind="directory", node=parent.node, path=parent.path)
    config = replace(container.config, workdir=_MOUNTED)
    _open(with_mount(replace(container, config=config), mount), args, session, "Directory.terminal")
    return parent


@TERMINAL.field("Service", "terminal")
def of_service(parent: Service, args: Arguments, session: Session) -> Service:
    """Let the user sit at a second command in a service's container."""
    found = terminal(session, "Service.terminal")
    words = args.get("cmd") or TerminalCommand().args
    with session.solver.machine.progress.held():
        session.solver.services.attach(parent.node, words, found, gone=current_request().gone)
    return parent


def terminal(session: Session, field: str) -> Terminal:
    """Return the terminal that the client was started from.

    Raises:
        EngineError: There is none; the text names the field that wants one.
    """
    if session.terminal is None:
        raise EngineError(
            f"{field} needs a terminal and this session has none: run the pipeline from an "
            "interactive shell, not from a job, a service or a program that took it away"
        )
    return session.terminal


def _command(args: Arguments, words: list[str], default: TerminalCommand) -> TerminalCommand:
    if not words:
        return default
    return TerminalCommand(
        args=tuple(words),
        nesting=args.get("experimentalPrivilegedNesting", False),
        privileged=args.get("insecureRootCapabilities", False),
    )


def _open(container: Container, args: Arguments, session: Session, field: str) -> None:
    found = terminal(session, field)
    command = _command(args, args.get("cmd") or [], container.terminal or TerminalCommand())
    node = command_node(
        container,
        command.args,
        ExecOptions(
            nesting=command.nesting or args.get("experimentalPrivilegedNesting", False),
            privileged=command.privileged or args.get("insecureRootCapabilities", False),
        ),
        Extras(env=_kind(container)),
    )
    run_at_terminal(session.solver, node, found, gone=current_request().gone)


def _kind(container: Container) -> list[tuple[str, str]]:
    """Return the variable that says what kind of terminal it is, unless the container does."""
    if any(name == "TERM" for name, _ in container.config.env):
        return []
    return [("TERM", os.environ.get("TERM") or _KIND)]
