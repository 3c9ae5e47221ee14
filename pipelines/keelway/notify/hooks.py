"""The user's own commands: started, watched, ended, and told of.

What they write is shown without what looks like a secret. They have a short list of the
environment's variables, those that were asked for, and what keelway tells them.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio

from keelway.errors import OUTPUT_LIMIT_BYTES, ToolError, redact, tail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anyio.abc import Process

    from keelway.model.history import DeliveryEvent, HistoryEntry
    from keelway.notify.telling import Speaker

STAGE = "hooks"
KEPT_VARIABLES = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR",
    "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
"""What every command needs to find its way, and nothing secret."""
_LAST_LINES = 20
_KILL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A command, and when it is run."""

    name: str
    before: bool
    """Before, or after."""
    event: DeliveryEvent
    command: tuple[str, ...]
    environments: tuple[str, ...] = ()
    """Only for these; for all when empty."""
    timeout_s: float = 60.0
    fails: Literal["stop", "tell"] = "tell"
    variables: tuple[str, ...] = ()

    def wants(self, entry: HistoryEntry, *, before: bool) -> bool:
        """Return whether it is to be run now."""
        here = not self.environments or entry.environment in self.environments
        return here and self.before is before and self.event is entry.event


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksSpec:
    """The commands, and where they are started."""

    hooks: tuple[Hook, ...]
    folder: Path


async def run_hook(run: Speaker, hook: Hook, entry: HistoryEntry, folder: Path) -> None:
    """Run a command to its end, and tell how it ended.

    Args:
        run: Who hears of it.
        hook: The command.
        entry: What is about to happen, or has happened.
        folder: Where it is started.

    Raises:
        ToolError: It failed, and is one that stops what it stands before.
    """
    started = time.monotonic()
    code, said = await _ended(hook, hook_variables(entry), folder)
    took = time.monotonic() - started
    if code == 0:
        _say(run, f"{hook.name} ended well after {took:.1f} s")
        return
    how = _how(hook, code)
    if hook.fails == "stop":
        raise ToolError(
            f"the hook {hook.name} {how}: the {entry.event} is stopped before it begins",
            stage=STAGE,
            command=[redact(word) for word in hook.command],
            code=code,
            output=said,
            next_step='mend what it complains of, or set fails = "tell" in its [[hooks]]',
        )
    last = f":\n{tail(said, _LAST_LINES)}" if said.strip() else ""
    _say(run, f"warning: the hook {hook.name} {how}{last}")


def _say(run: Speaker, text: str) -> None:
    from keelway.model.events import Note  # noqa: PLC0415 - not for a plan

    run.observer.on(Note(stage=STAGE, text=text))


def hook_variables(entry: HistoryEntry) -> dict[str, str]:
    """Return what keelway tells a command, as environment variables."""
    return {
        "KEELWAY_EVENT": str(entry.event),
        "KEELWAY_OUTCOME": str(entry.outcome),
        "KEELWAY_PROJECT": entry.project,
        "KEELWAY_VERSION": entry.version,
        "KEELWAY_REPLACED": entry.replaced or "",
        "KEELWAY_ENVIRONMENT": entry.environment,
        "KEELWAY_TARGET": entry.target or "",
        "KEELWAY_HOSTS": ",".join(entry.hosts),
        "KEELWAY_IMAGES": json.dumps(dict(entry.images), sort_keys=True),
        "KEELWAY_ACTOR": entry.actor.who,
        "KEELWAY_WHERE": entry.actor.where,
        "KEELWAY_RUN_URL": entry.actor.run_url or "",
        "KEELWAY_REASON": redact(entry.reason or ""),
        "KEELWAY_RECORDED_AT": entry.at.isoformat(timespec="seconds"),
    }


def _how(hook: Hook, code: int | None) -> str:
    if code is None:
        return f"did not end within {hook.timeout_s:g} s"
    return "cannot be started" if code == _CANNOT_START else f"ended with exit code {code}"


_CANNOT_START = 127


async def _ended(hook: Hook, told: Mapping[str, str], folder: Path) -> tuple[int | None, str]:
    """Return the exit code, nothing where time ran out, and what it wrote."""
    kept = (*KEPT_VARIABLES, *hook.variables)
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    said = bytearray()
    try:
        process = await anyio.open_process(
            list(hook.command),
            cwd=folder,
            env={**environment, **told},
            stdin=_NOTHING,
            stderr=_SAME,
            start_new_session=True,
        )
    except OSError as error:
        return _CANNOT_START, f"{hook.command[0]}: {error.strerror}"
    code: int | None = None
    try:
        with anyio.move_on_after(hook.timeout_s):
            await _read(process, said)
            code = await process.wait()
    finally:
        await _end(process)
    return code, redact(said.decode(errors="replace"))


_NOTHING, _SAME = -3, -2
"""As `subprocess` calls them: DEVNULL, STDOUT."""


async def _read(process: Process, said: bytearray) -> None:
    """Keep the last of what a command writes."""
    if process.stdout is None:
        raise AssertionError("it is a pipe")
    async for chunk in process.stdout:
        said.extend(chunk)
        del said[:-OUTPUT_LIMIT_BYTES]


async def _end(process: Process) -> None:
    """End a command with all that it started: asked first, then made to."""
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with anyio.move_on_after(_KILL_S):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.aclose()
