"""The choice of an engine: what there is, which one is taken, and why.

Example:
    >>> choose_engine(EngineChoice.AUTO, {"DAGGER_SESSION_PORT": "5000"}).name
    'session'
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.errors import SessionError
from keelway.model.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.engine_address import EngineAddress

SESSION_PORT = "DAGGER_SESSION_PORT"
SESSION_TOKEN = "DAGGER_SESSION_TOKEN"  # noqa: S105 - the variable's name
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
STORE = "KEELWAY_STORE"

LOCAL_PROGRAM = "keelway-engine"
_LOCAL_NEEDS = ("graphql", "h11", "pathspec")
_START_LOCAL = "import sys; from keelway.engine.program import main; sys.exit(main())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A session that somebody else opened."""

    name: str = "session"
    reason: str
    tried: str
    next_step: str = f"unset {SESSION_PORT}, or open the session again"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What leads to it, where the environment does not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that speaks Dagger's session protocol, to be started."""

    name: str
    reason: str
    command: tuple[str, ...]
    tried: str
    next_step: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Absent:
    """An engine that is not here, and why."""

    why: str


def choose_engine(choice: EngineChoice, environ: Mapping[str, str]) -> Given | Program:
    """Return the engine to use, and why.

    Args:
        choice: What the user asked for.
        environ: The environment.

    Raises:
        SessionError: There is none; tells what was looked for, in order.
    """
    port = environ.get(SESSION_PORT)
    if port:
        return Given(
            reason=f"{SESSION_PORT} is set: a session is open already",
            tried=f"the session at 127.0.0.1:{port} ({SESSION_PORT})",
        )
    searches = {
        EngineChoice.LOCAL: (_local("it was asked for"),),
        EngineChoice.DAGGER: (_dagger(environ, "it was asked for"),),
        EngineChoice.AUTO: (_named(environ), _local_by_default(), _dagger_by_default(environ)),
    }
    found = searches[choice]
    for engine in found:
        if isinstance(engine, Program):
            return engine
    raise SessionError(
        "there is no engine to work with",
        tried=[engine.why for engine in found if isinstance(engine, _Absent)],
        next_step="install the local engine with `pip install 'keelway[engine]'` (Linux), or "
        "Dagger's CLI from https://docs.dagger.io/install",
    )


def engine_at(address: EngineAddress, environ: Mapping[str, str]) -> Program:
    """Return the program that opens a session with an engine that the configuration names.

    Args:
        address: The engine.
        environ: The environment.

    Raises:
        SessionError: What it takes to reach it is not here.
    """
    reason = f"[engines] names {address}"
    if address.runner_host is None:
        found = _local(reason)
        more = {} if address.store is None else {STORE: address.store}
    else:
        more = {RUNNER_HOST: address.runner_host}
        found = _dagger({**environ, **more}, reason)
    if isinstance(found, _Absent):
        raise SessionError(
            f"the engine {address} cannot be reached",
            tried=[found.why],
            next_step="install the local engine with `pip install 'keelway[engine]'` (Linux), or "
            "Dagger's CLI from https://docs.dagger.io/install",
        )
    return replace(found, environment={**found.environment, **more})


def local_command(reason: str) -> tuple[str, ...]:
    """Return the command of this machine's local engine.

    Args:
        reason: Why it is needed.

    Raises:
        SessionError: It is not installed.
    """
    found = _local(reason)
    if isinstance(found, _Absent):
        raise SessionError(
            "the local engine is not installed",
            tried=[found.why],
            next_step="install it with `pip install 'keelway[engine]'` (Linux)",
        )
    return found.command


def _named(environ: Mapping[str, str]) -> Program | _Absent:
    """Return the engine that the environment names, as people set it up who have their own."""
    for name in (RUNNER_HOST, CLI_BIN):
        if environ.get(name):
            return _dagger(environ, f"{name} is set")
    return _Absent(f"an engine named by {SESSION_PORT}, {RUNNER_HOST} or {CLI_BIN}: none is set")


def _local_by_default() -> Program | _Absent:
    return _local("it is installed, and the environment names no other engine")


def _dagger_by_default(environ: Mapping[str, str]) -> Program | _Absent:
    return _dagger(environ, "the local engine is not installed, Dagger's CLI is")


def _local(reason: str) -> Program | _Absent:
    if not sys.platform.startswith("linux"):
        return _Absent("the local engine: it runs on Linux only")
    missing = [name for name in _LOCAL_NEEDS if find_spec(name) is None]
    if missing:
        return _Absent(f"the local engine: Python packages are missing: {', '.join(missing)}")
    beside = Path(sys.executable).parent / LOCAL_PROGRAM
    command = (str(beside),) if beside.exists() else (sys.executable, "-c", _START_LOCAL)
    return Program(
        name="local",
        reason=reason,
        command=command,
        tried=f"starting {beside if beside.exists() else LOCAL_PROGRAM}",
        next_step="run `keelway doctor`: it names what the local engine misses on this machine",
        environment={"KEELWAY_ENGINE_PROGRESS": "json"},
    )


def _dagger(environ: Mapping[str, str], reason: str) -> Program | _Absent:
    binary = environ.get(CLI_BIN) or shutil.which("dagger", path=environ.get("PATH"))
    if not binary:
        return _Absent(f"Dagger's CLI: `dagger` is not on PATH, and {CLI_BIN} is not set")
    host = environ.get(RUNNER_HOST)
    return Program(
        name="dagger",
        reason=reason,
        command=(binary,),
        tried=f"starting {binary}" + (f" for the engine at {host}" if host else ""),
        next_step="run `dagger version` and look at its messages; Dagger's own engine needs a "
        "container runtime, or an engine named by " + RUNNER_HOST,
    )
