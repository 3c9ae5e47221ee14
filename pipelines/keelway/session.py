"""Which engine does the work: a session that is already there, the local engine, or Dagger's.

    async with open_session(EngineChoice.AUTO) as session:
        images = await kw.build(kw.Run(session.client), spec)

A session in the environment (`DAGGER_SESSION_PORT`) always wins. This is the one module that knows
that there are several engines; everything else sees a Dagger client.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import anyio

from keelway._engines import (
    CLI_BIN,
    SESSION_PORT,
    Given,
    Program,
    choose_engine,
    engine_at,
)
from keelway._progress import EngineLog
from keelway._sdk import load_sdk
from keelway.errors import SessionError
from keelway.model.engine_choice import EngineChoice
from keelway.model.events import EngineChosen, Observer, Silent, StepOutput

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    import dagger

    from keelway.model.engine_address import EngineAddress

__all__ = ["EngineChoice", "Session", "engine_name", "open_session"]

_CLOSING_S = 60.0
"""An engine has so long to end by itself after its session was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connection to an engine."""

    client: dagger.Client
    """What `Run` takes."""
    name: str
    """`local`, `dagger` or `session`."""
    reason: str
    """Why this one."""
    version: str
    """As the engine tells it."""


def engine_name(choice: EngineChoice) -> str:
    """Return which engine a session would be opened with: `local`, `dagger` or `session`.

    Raises:
        SessionError: There is none.
    """
    return choose_engine(choice, os.environ).name


@asynccontextmanager
async def open_session(
    choice: EngineChoice = EngineChoice.AUTO,
    observer: Observer | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    shared: bool = False,
    at: EngineAddress | Given | None = None,
) -> AsyncGenerator[Session]:
    """Open a session with an engine, and close it afterwards.

    Args:
        choice: Which engine; `auto` takes the first one that there is, and says why.
        observer: Who hears which engine was chosen, and what it is doing.
        settings: Variables for the engine, if one is started.
        shared: Whether `dagger.dag` is the client, as functions of a Dagger module have it.
        at: The engine itself, or a session of it, in place of a choice. Sessions
            are opened one after the other: the SDK is told by the environment which engine it is.

    Raises:
        SessionError: When no engine was reached or started; tells what was tried.
    """
    load_sdk()
    import dagger  # noqa: PLC0415 - commands that need no engine must not pay for the SDK

    observer = observer or Silent()
    match at:
        case None:
            engine = choose_engine(choice, os.environ)
        case Given():
            engine = at
        case _:
            engine = engine_at(at, os.environ)
    log = EngineLog(observer)
    # Nothing is sent twice: the connection never leaves this machine, and a push is no question
    # that one may ask again.
    config = dagger.Config(log_output=cast("TextIO", log), retry=None)
    connection = dagger.connection(config) if shared else dagger.Connection(config)
    with ExitStack() as stack:
        stack.enter_context(_environment(engine, settings or {}))
        try:
            opened = await connection.__aenter__()
            client = opened if isinstance(opened, dagger.Client) else dagger.dag
            version = await client.version()
        except (dagger.DaggerError, OSError) as error:
            raise SessionError(
                f"the engine '{engine.name}' did not start",
                why=_why(error, log),
                tried=[engine.tried],
                next_step=engine.next_step,
            ) from error
    observer.on(EngineChosen(name=engine.name, reason=engine.reason, version=version))
    try:
        yield Session(client=client, name=engine.name, reason=engine.reason, version=version)
    finally:
        # Also after Ctrl-C: an engine that is not told to end keeps its mounts until it notices.
        with anyio.move_on_after(_CLOSING_S, shield=True):
            await _close(connection, observer)


async def _close(connection: AbstractAsyncContextManager[object], observer: Observer) -> None:
    """End the session; an engine that ends badly now cannot spoil what it has done."""
    import dagger  # noqa: PLC0415 - loaded already

    try:
        await connection.__aexit__(None, None, None)  # pyright: ignore[reportUnknownMemberType] # the SDK does not say
    except (dagger.DaggerError, OSError) as error:
        observer.on(StepOutput(step=None, stream="engine", text=str(error)))


@contextmanager
def _environment(engine: Given | Program, settings: Mapping[str, str]) -> Generator[None]:
    """Tell the SDK which engine to start: it reads that from the environment, and only there."""
    if isinstance(engine, Given):
        with _variables(engine.environment):
            yield
        return
    with ExitStack() as stack:
        binary = engine.command[0]
        if len(engine.command) > 1:
            binary = stack.enter_context(_one_file(engine.command))
        given = {SESSION_PORT: None, CLI_BIN: binary, **engine.environment, **settings}
        with _variables(given):
            yield


@contextmanager
def _one_file(command: tuple[str, ...]) -> Generator[str]:
    """Give a command of several words the form of one executable file, which the SDK asks for."""
    words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    with tempfile.TemporaryDirectory(prefix="keelway-") as directory:
        script = Path(directory) / "engine"
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        script.chmod(0o700)
        yield str(script)


@contextmanager
def _variables(values: Mapping[str, str | None] | Mapping[str, str]) -> Generator[None]:
    """Set variables, or unset those that are to be absent, until the end of the block."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None] | Mapping[str, str]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _why(error: Exception, log: EngineLog) -> str:
    said = log.tail()
    return f"{error}\nthe engine said:\n{said}" if said else str(error)
