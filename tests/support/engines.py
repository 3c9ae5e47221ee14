"""Which engine the conformance suite speaks to, and how a session of it is opened.

A session that is already running (`DAGGER_SESSION_PORT`) wins, then Dagger's own engine
(`_EXPERIMENTAL_DAGGER_RUNNER_HOST`, through the Dagger CLI), else the local engine. The SDK is
used as it is published; only the environment that it reads is arranged here.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support import unprivileged
from tests.support.missing import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import TextIO

ISOLATION = "KEELWAY_TEST_ISOLATION"
"""`chroot`, or `proot` for `/proc` too: run the local engine as in an unprivileged container."""
CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"


class Kind(Enum):
    """Where the engine comes from."""

    GIVEN = "a session that is already running"
    DAGGER = "Dagger's own engine"
    LOCAL = "the local engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The engine under test; `program` speaks the CLI's `session` protocol."""

    kind: Kind
    program: Path | None
    environment: Mapping[str, str]

    def with_environment(self, **changes: str) -> Engine:
        """Return the same engine started with more environment variables."""
        changed = {**self.environment, **changes}
        return Engine(kind=self.kind, program=self.program, environment=changed)

    def unprivileged(self, scratch: Path) -> Engine:
        """Return the local engine as it starts in a container with Docker's own privileges.

        Where the tests themselves run so already, that is the engine as it is.
        """
        if self.program is None or self.kind is not Kind.LOCAL:
            raise TypeError(f"only the local engine can give up privileges, not {self.kind.value}")
        if unprivileged.is_unprivileged():
            return self
        written = scratch / "unprivileged-engine"
        helper = Path(unprivileged.__file__)
        written.write_text(f'#!/bin/sh\nexec {sys.executable} {helper} {self.program} "$@"\n')
        written.chmod(0o755)
        return Engine(kind=self.kind, program=written, environment=self.environment)

    def require_local(self) -> None:
        """Skip the test where the engine is not ours to kill, look into, or give a store."""
        if self.kind is not Kind.LOCAL:
            pytest.skip(f"looks into the local engine: the tests run on {self.kind.value}")

    def require_own_sessions(self) -> None:
        """Skip the test where only the one session that was given can be used."""
        if self.kind is Kind.GIVEN:
            pytest.skip(f"opens sessions of its own: the tests run on {self.kind.value}")


def chosen_engine(scratch: Path) -> Engine:
    """Return the engine that the environment names; the local one gets a store in `scratch`."""
    if os.environ.get("DAGGER_SESSION_PORT"):
        return Engine(kind=Kind.GIVEN, program=None, environment={})
    if os.environ.get(RUNNER_HOST):
        cli = os.environ.get(CLI_BIN) or shutil.which("dagger")
        if cli is None:
            missing(f"the Dagger CLI (on PATH or in {CLI_BIN}), which {RUNNER_HOST} needs")
        return Engine(kind=Kind.DAGGER, program=Path(cli), environment={})
    settings = {"KEELWAY_STORE": str(scratch / "store")}
    local = Engine(kind=Kind.LOCAL, program=_local_program(scratch), environment=settings)
    match isolation():
        case None:
            return local
        case "proot":
            proot = {"KEELWAY_ENGINE_PROC": "proot", "KEELWAY_STORE": str(_open_folder() / "store")}
            return local.unprivileged(scratch).with_environment(**proot)
        case _:  # emulated programs run by proot where the kernel runs none
            store = str(_open_folder() / "store")
            return local.unprivileged(scratch).with_environment(KEELWAY_STORE=store)


def isolation() -> str | None:
    """Return the lesser isolation that the engine is tested in, None for the real one."""
    chosen = os.environ.get(ISOLATION)
    if chosen not in {None, "", "chroot", "proot"}:
        raise ValueError(f"{ISOLATION}={chosen!r}: choose chroot or proot")
    return chosen or None


def _open_folder() -> Path:
    """Return a directory that every user may walk through, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="keelway-tests-", dir="/var/tmp"))
    folder.chmod(0o711)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def may_be_unprivileged() -> bool:
    """Return whether the tests run the local engine, and can run it with fewer privileges too."""
    others = ("DAGGER_SESSION_PORT", RUNNER_HOST, ISOLATION)
    return os.geteuid() == 0 and not any(os.environ.get(name) for name in others)


def _local_program(scratch: Path) -> Path:
    """Return `keelway-engine` of this interpreter, or write what its entry point would be."""
    installed = Path(sys.executable).parent / "keelway-engine"
    if installed.exists():
        return installed
    written = scratch / "keelway-engine"
    written.write_text(f'#!/bin/sh\nexec {sys.executable} -m keelway.engine "$@"\n')
    written.chmod(0o755)
    return written


@contextlib.contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while: the SDK and what it starts read them."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.asynccontextmanager
async def sdk_session(
    engine: Engine,
    *,
    workdir: Path | None = None,
    log: TextIO | None = None,
) -> AsyncIterator[dagger.Client]:
    """Open a session by the unmodified SDK; requests are not sent twice, so that failures show."""
    changes = dict(engine.environment)
    if engine.program is not None:
        changes[CLI_BIN] = str(engine.program)
    config = dagger.Config(retry=None, log_output=log)
    if workdir is not None:
        config.workdir = workdir
    async with contextlib.AsyncExitStack() as stack:
        with environment(changes):
            client = await stack.enter_async_context(dagger.Connection(config))
        yield client
