"""The command `keelway-engine`.

    keelway-engine session      serve one client: what Dagger's SDK starts
    keelway-engine doctor       tell what this machine has and lacks
    keelway-engine du, prune    tell what the store holds, make room in it
    keelway-engine cache        move what it holds to another machine
    keelway-engine attach       give a session on another machine the files of this one

`session` reads its arguments by hand, since it must start in a blink and ignore flags that it does
not know; all else is argparse's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.backend import Parts
    from keelway.engine.run.enter import Sandbox
    from keelway.engine.store.clientwire import ClientWire


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are told on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] == "session":
            return session(arguments[1:])
        if arguments and arguments[0] == "attach":
            from keelway.engine.attached import Attached  # noqa: PLC0415 - likewise

            return Attached(sys.stdin.buffer, sys.stdout.buffer).serve()
        from keelway.engine.commands import run  # noqa: PLC0415 - `session` must start quickly

        return run(arguments)
    except EngineError as error:
        sys.stderr.write(f"keelway-engine: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def session(arguments: Sequence[str]) -> int:
    """Serve one session.

    Of the arguments `--workdir` and `--attached` mean something to this engine. By the second its
    client is on another machine, and gives its files by standard input and output.
    """
    from keelway.engine.lifetime import announce, refuse, serve  # noqa: PLC0415 - for this command
    from keelway.engine.schema.client import find_client  # noqa: PLC0415 - likewise
    from keelway.engine.server.listener import listen  # noqa: PLC0415 - likewise
    from keelway.engine.settings import Settings  # noqa: PLC0415 - likewise
    from keelway.engine.startup import Startup  # noqa: PLC0415 - likewise

    settings = Settings.of(os.environ)
    workdir = Path(option(arguments, "--workdir") or Path.cwd()).absolute()
    if not workdir.is_dir():
        raise EngineError(f"the working directory {workdir} is not there; correct --workdir")
    settings.check_store()
    client = find_client()
    listener = listen()
    wire = _wire() if "--attached" in arguments else None
    clients = announce(listener, "" if wire is None else _about())

    from keelway.engine.run.terminal import Terminal  # noqa: PLC0415 - after the first line

    terminal = Terminal.find()
    startup = Startup()

    def child(sandbox: Sandbox) -> int:
        if wire is not None:
            from keelway.engine.solve.clienthost import ClientHost  # noqa: PLC0415 - rarely needed

            clients.attach(ClientHost(wire))

        def parts() -> Parts:
            from keelway.engine.assembly import assemble  # noqa: PLC0415 - while a client connects

            return assemble(settings, workdir, sandbox, clients, terminal, wire)

        return serve(
            listener,
            clients,
            client=client,
            schemas=settings.store / "schema",
            make_parts=parts,
            on_ready=startup.ready,
            wire=wire,
        )

    code = _enter(settings.isolation, child)
    reason = startup.failure(code)
    return code if reason is None else refuse(listener, clients, reason)


def _wire() -> ClientWire:
    """Return what asks the client; standard output is given away once the first line is told."""
    from keelway.engine.store.clientwire import ClientWire  # noqa: PLC0415 - rarely needed

    return ClientWire(0, os.dup(1))


def _about() -> str:
    """Return what whoever starts a session on another machine has to know of it."""
    import json  # noqa: PLC0415 - rarely needed
    from importlib.metadata import version  # noqa: PLC0415 - likewise
    from platform import machine  # noqa: PLC0415 - likewise

    told = {"version": version("keelway"), "machine": machine()}
    return "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in told.items())


def _enter(isolation: str, child: Callable[[Sandbox], int]) -> int:
    try:
        from keelway.engine.run.isolation import enter  # noqa: PLC0415 - after the first line

        return enter(isolation, child)
    except EngineError as error:
        sys.stderr.write(f"keelway-engine: {error}\n")
        return 1


def option(arguments: Sequence[str], name: str) -> str | None:
    """Return the value of `--name VALUE` or `--name=VALUE`, ignoring all other arguments."""
    for index, argument in enumerate(arguments):
        if argument == name:
            return arguments[index + 1] if index + 1 < len(arguments) else None
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None
