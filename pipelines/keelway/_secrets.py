"""Secrets by address: checked while planning, read as late as possible, never written anywhere.

An address is `env://NAME`, `file://PATH`, `cmd://COMMAND` or that of a secret store, as `op://` for
1Password; the engine's client reads it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio

from keelway._stage import failures_of
from keelway.errors import PlanError, StageError
from keelway.model.secret_source import by_command, shown_source, shown_variable
from keelway.secretstores.exchange import StoreError
from keelway.secretstores.reading import STORES, read_from_store

if TYPE_CHECKING:
    import dagger

    from keelway._stage import Run
    from keelway.facts import Facts

_OWN_SCHEMES = frozenset({"env", "file", "cmd"})


def plan_secret(source: str, facts: Facts, *, what: str) -> str:
    """Return the address with nothing relative left in it.

    Args:
        source: As it is written in the configuration.
        facts: What is true here.
        what: The secret, for the message.

    Raises:
        PlanError: When the variable or the file that it names is missing, or no secret may be read
            here.
    """
    if facts.untrusted is not None:
        raise PlanError(
            f"{what} is not read: {facts.untrusted}",
            next_step="leave out what needs it where pull requests of forks are built",
        )
    scheme, _, rest = source.partition("://")
    if scheme == "env" and rest not in facts.variables:
        shown = shown_variable(rest)
        raise PlanError(
            f"{what}: the environment variable {shown} is not set",
            next_step=f"set {shown}, or give the secret another source",
        )
    if scheme != "file":
        return source
    if facts.kind_of(rest) not in {None, "file"}:
        raise PlanError(
            f"{what}: there is no file {rest}",
            next_step=f"write it (the path is relative to {facts.root}), or give another source",
        )
    return f"file://{facts.resolve(rest)}"


def asks_engine(source: str) -> bool:
    """Return whether an engine reads a secret: it is in a store.

    >>> asks_engine("op://ci/registry"), asks_engine("env://TOKEN")
    (True, False)
    """
    return source.partition("://")[0] not in _OWN_SCHEMES


def open_secret(run: Run, source: str) -> dagger.Secret:
    """Return the secret; whether it can be read is seen when it is."""
    scheme, _, name = source.partition("://")
    given = run.secrets.get(name) if scheme == "env" else None
    return run.dag.secret(source) if given is None else given


async def read_secret(run: Run, source: str, *, stage: str, what: str) -> str:
    """Return the secret's value.

    Raises:
        PlanError: When it cannot be read.
    """
    try:
        with failures_of(stage, secrets=_hidden_words(source)):
            return await open_secret(run, source).plaintext()
    except StageError as error:
        raise PlanError(
            f"{what} cannot be read from {shown_source(source)}",
            why=error.message,
            next_step=by_command(source) or "set it, or correct its source",
        ) from error


def _hidden_words(source: str) -> tuple[str, ...]:
    """Return what an engine's error may repeat of an address that is not shown whole."""
    return () if shown_source(source) == source else (source, source.partition("://")[2])


async def read_own_secret(source: str, *, what: str, run: Run | None = None) -> str:
    """Return a secret's value, by this process itself where that is possible.

    What needs no engine, or speaks when it is gone, asks here.

    Args:
        source: Its address, as `plan_secret` returns it.
        what: The secret, for the message.
        run: The run, where there is one: it has what was given to it, and reads secret stores.

    Raises:
        PlanError: It cannot be read, or it is in a store that only an engine reads.
    """
    scheme, _, rest = source.partition("://")
    if run is not None and (scheme not in _OWN_SCHEMES or rest in run.secrets):
        return await read_secret(run, source, stage="secrets", what=what)
    try:
        return await _read_own(scheme, rest)
    except KeyError:
        why = "the environment variable is not set"
    except OSError as error:
        why = error.strerror or str(error)
    except UnicodeDecodeError:
        why = "it is no text"
    except StoreError as error:
        why = str(error)
    raise PlanError(
        f"{what} cannot be read from {shown_source(source)}: {why}",
        next_step=by_command(source) or "set it, or correct its source",
    )


async def _read_own(scheme: str, rest: str) -> str:
    if scheme == "env":
        return os.environ[rest]
    if scheme == "file":
        return await anyio.Path(rest).read_text(encoding="utf-8")
    if scheme in STORES:
        value = await anyio.to_thread.run_sync(read_from_store, scheme, rest, os.environ)
        return value.decode()
    if scheme != "cmd":
        raise OSError("a secret store is read by an engine, and none is at work here")
    done = await anyio.run_process(["sh", "-c", rest], check=False)
    if done.returncode != 0:
        raise OSError(f"the command ended with code {done.returncode}")
    return done.stdout.decode()
