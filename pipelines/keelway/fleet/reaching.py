"""A local engine on another machine, reached by SSH.

`keelway-engine` is started there, and its session's port is forwarded. What it asks of its client's
machine (folders to build, variables, secrets, files that it makes) goes through the same connection
to `keelway-engine attach` here. Nothing is installed, listened at or left there but its own store.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio
import asyncssh

from keelway._engines import SESSION_PORT, SESSION_TOKEN, STORE, Given, local_command
from keelway._progress import EngineLog
from keelway._secrets import read_own_secret
from keelway.deploy.host import HostError
from keelway.deploy.ssh_host import SshAccess, open_ssh_host
from keelway.errors import SessionError
from keelway.facts.processor import native_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from anyio.abc import Process, TaskGroup

    from keelway.deploy.ssh_host import SshHost
    from keelway.deploy.target import SshSpec
    from keelway.model.engine_address import EngineAddress
    from keelway.model.events import Observer
    from keelway.model.platform import Platform

_START = """\
PATH=$PATH:$HOME/.local/bin
command -v keelway-engine > /dev/null || { echo "keelway-engine is not on PATH" >&2; exit 127; }
exec keelway-engine session --attached
"""
_FIRST_LINE_S = 60.0
_ENDING_S = 30.0
_CHUNK = 1 << 17
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of an engine on another machine."""

    engine: EngineAddress
    ssh: SshSpec
    platforms: tuple[Platform, ...]
    """What it must run by itself."""
    version: str
    """Of keelway: both ends are one program."""
    settings: Mapping[str, str]
    """Variables for it; no secret is in them."""


@asynccontextmanager
async def reached(wanted: Wanted, observer: Observer) -> AsyncGenerator[Given]:
    """Give a session of an engine on another machine, until the end of the block.

    Args:
        wanted: Which one, and what for.
        observer: Who hears what it is doing.

    Raises:
        SessionError: The machine is not reached or not trusted, has no keelway or another version,
            or is of another platform.
    """
    log = EngineLog(observer)
    async with AsyncExitStack() as stack:
        try:
            given = await _started(wanted, log, stack)
        except HostError as error:
            raise SessionError(
                f"the engine {wanted.engine} is not reached: {error}",
                why=error.why,
                next_step=error.next_step,
            ) from error
        yield given


async def _started(wanted: Wanted, log: EngineLog, stack: AsyncExitStack) -> Given:
    ssh = wanted.ssh
    if wanted.engine.ssh is None:
        raise AssertionError("only an engine behind SSH is reached")
    access = SshAccess(
        address=wanted.engine.ssh,
        known_hosts=ssh.known_hosts,
        key=await _read(ssh.key, "ssh_key"),
        key_password=await _read(ssh.key_password, "ssh_key_password"),
        connect_timeout_s=ssh.connect_timeout_s,
    )
    attach = (*local_command("it has the files"), "attach")
    host = await stack.enter_async_context(open_ssh_host(access, str(wanted.engine)))
    process = await host.start(("env", *_variables(wanted), "sh", "-c", _START))
    stack.push_async_callback(_ended, process)
    group = await stack.enter_async_context(_beside())
    group.start_soon(_hear, process, log)
    first = await _first_line(wanted, process, log)
    _check(wanted, first)
    helper = await anyio.open_process(attach)
    stack.push_async_callback(_closed, helper)
    group.start_soon(_hear_here, helper, log)
    group.start_soon(_ask, process, helper)
    group.start_soon(_answer, helper, process)
    return await _forwarded(wanted, host, first, stack)


@asynccontextmanager
async def _beside() -> AsyncGenerator[TaskGroup]:
    """Give what runs things until the end of the block, whose failure stays what it is."""
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        try:
            yield group
        except Exception as error:  # noqa: BLE001 - raised below, without an exception group
            failures.append(error)
        group.cancel_scope.cancel()
    for failure in failures:
        raise failure


async def _forwarded(
    wanted: Wanted, host: SshHost, first: Mapping[str, Any], stack: AsyncExitStack
) -> Given:
    listener = await host.forward(int(first["port"]))
    stack.callback(listener.close)
    return Given(
        name="local",
        reason=f"[engines] names {wanted.engine}",
        tried=f"the session at {wanted.engine}",
        next_step=f"run `keelway-engine doctor` on {host.name}",
        environment={
            SESSION_PORT: str(listener.get_port()),
            SESSION_TOKEN: str(first["session_token"]),
        },
    )


async def _read(source: str | None, what: str) -> str | None:
    return None if source is None else await read_own_secret(source, what=f"[engines] {what}")


def _variables(wanted: Wanted) -> Sequence[str]:
    """Return what the engine's environment has beside the machine's own."""
    given = {"KEELWAY_ENGINE_PROGRESS": "json", **wanted.settings}
    if wanted.engine.ssh is not None and wanted.engine.ssh.folder is not None:
        given[STORE] = wanted.engine.ssh.folder
    return [f"{name}={value}" for name, value in given.items()]


async def _first_line(
    wanted: Wanted, process: asyncssh.SSHClientProcess[bytes], log: EngineLog
) -> dict[str, Any]:
    """Return what an engine says when it has begun.

    Raises:
        SessionError: It does not begin.
    """
    line = b""
    with anyio.move_on_after(_FIRST_LINE_S), suppress(asyncssh.Error, OSError):
        line = await process.stdout.readline()
    try:
        return cast("dict[str, Any]", json.loads(line))
    except ValueError:
        with anyio.move_on_after(1), suppress(asyncssh.Error, OSError):
            await process.wait_closed()
        said = line.decode(errors="replace").strip()[:_SHOWN]
        raise SessionError(
            f"the engine {wanted.engine} did not start",
            why=log.tail() or (f"it said: {said}" if said else "it said nothing"),
            next_step="install keelway there (`pip install 'keelway[engine]'`) for everybody or in "
            "~/.local, and run `keelway-engine doctor`",
        ) from None


def _check(wanted: Wanted, first: Mapping[str, Any]) -> None:
    """See that an engine is what is wanted.

    Raises:
        SessionError: It is of another version, or would emulate.
    """
    theirs = first.get("version")
    if theirs != wanted.version:
        raise SessionError(
            f"the engine {wanted.engine} is of another version of keelway: "
            f"{theirs or 'an old one'}, not {wanted.version}",
            next_step="install the same version on both machines",
        )
    machine = str(first.get("machine"))
    foreign = [str(one) for one in wanted.platforms if not native_of(one, machine)]
    if foreign:
        raise SessionError(
            f"the engine {wanted.engine} is on a machine that is {machine}: "
            f"{', '.join(foreign)} would be emulated there",
            next_step="name it under the platform that it has",
        )


async def _hear(process: asyncssh.SSHClientProcess[bytes], log: EngineLog) -> None:
    """Tell what the engine tells, to its end."""
    with suppress(asyncssh.Error, OSError):
        while line := await process.stderr.readline():
            log.write(line.decode(errors="replace"))


async def _hear_here(helper: Process, log: EngineLog) -> None:
    """Tell what this machine's end complains of."""
    if helper.stderr is None:
        raise AssertionError("it is a pipe")
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for data in helper.stderr:
            log.write(data.decode(errors="replace"))


# A connection that ends ends these as well: who uses the session is told of it by the session.


async def _ask(process: asyncssh.SSHClientProcess[bytes], helper: Process) -> None:
    """Bring what the engine asks to this machine's end."""
    if helper.stdin is None:
        raise AssertionError("it is a pipe")
    with suppress(asyncssh.Error, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        while data := await process.stdout.read(_CHUNK):
            await helper.stdin.send(data)
    with suppress(OSError, anyio.BrokenResourceError):
        await helper.stdin.aclose()


async def _answer(helper: Process, process: asyncssh.SSHClientProcess[bytes]) -> None:
    """Bring what this machine's end answers to the engine."""
    if helper.stdout is None:
        raise AssertionError("it is a pipe")
    with suppress(asyncssh.Error, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for data in helper.stdout:
            process.stdin.write(data)
            await process.stdin.drain()


async def _closed(helper: Process) -> None:
    with anyio.CancelScope(shield=True):
        if helper.returncode is None:
            helper.kill()
        await helper.aclose()


async def _ended(process: asyncssh.SSHClientProcess[bytes]) -> None:
    """End the session as its client does, and let the engine put its things away."""
    with (
        anyio.move_on_after(_ENDING_S, shield=True),
        suppress(asyncssh.Error, OSError),
    ):
        process.stdin.write_eof()
        await process.wait_closed()
    process.close()
