"""The host's `git`, which talks to repositories and makes checkouts.

Credentials reach it by its environment (`GIT_CONFIG_*`), never by a command line or a file. The
user's own configuration holds: proxies, `insteadOf`, credential helpers, ssh keys and agents.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.waited import check_waited

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MASK = "***"
_LOOK_S = 0.5
# What a hook or an alias that started the client may have set: it speaks of another repository.
_FOREIGN = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"),
        *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_SHALLOW_FILE"),
    }
)
_SETTINGS = {
    # Files may belong to another user than root: what is in them is data here, nothing is run.
    "safe.directory": "*",
    "core.hooksPath": "/dev/null",
    "core.logAllRefUpdates": "false",
    "core.fsmonitor": "false",
    "advice.detachedHead": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
UPLOAD_PACK = "--upload-pack=git -c safe.directory=* upload-pack"
"""For repositories of this machine: settings in the environment do not reach the other side."""
_PREFIX = re.compile(r"^(?:fatal|error): ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccess:
    """What a command may know of whoever asks."""

    settings: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Configuration that holds for one command, credentials among it."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that no message may have."""
    ssh: str = ""
    """The command for ssh; the user's own where empty."""
    started_by: tuple[str, ...] = ()
    """Words before the command, which lead it to a service."""
    agent: str = ""
    """Path of the ssh agent's socket; the one of the environment where empty."""
    hint: str = ""
    """What a failure may come from, told with it."""


def git(
    arguments: Iterable[str],
    *,
    cwd: Path,
    doing: str,
    access: GitAccess | None = None,
    data: str | None = None,
    alone: bool = False,
) -> str:
    """Run `git` and return what it printed.

    Args:
        arguments: without `git` itself.
        cwd: where it runs.
        doing: what for, as in "fetch https://x/y".
        access: what it may know of whoever asks.
        data: its standard input.
        alone: no repository has a say, neither one around `cwd` nor one in it: what its
            configuration names would be run.

    Raises:
        EngineError: It failed, nobody waits for it any more, or there is no `git`.
    """
    access = access or GitAccess()
    environment = _environment(access)
    if alone:
        environment["GIT_DIR"] = "/dev/null"
    try:
        process = subprocess.Popen(
            [*access.started_by, "git", *arguments],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            umask=0o022,
        )
    except FileNotFoundError:
        raise EngineError(f"git is needed to {doing}: install the package git") from None
    output, errors = _finish(process, (data or "").encode("utf-8", "surrogateescape"))
    if process.returncode != 0:
        hint = f"\n{access.hint}" if access.hint else ""
        raise EngineError(f"can't {doing}: {_message(errors, access)}{hint}")
    return output.decode("utf-8", "surrogateescape")


def _finish(process: subprocess.Popen[bytes], data: bytes) -> tuple[bytes, bytes]:
    """Wait for `git`, for as long as somebody waits for what it does."""
    with process:
        while True:
            try:
                return process.communicate(data, timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                try:
                    check_waited()
                except EngineError:
                    process.kill()
                    raise


def _environment(access: GitAccess) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    given = environment.get("GIT_CONFIG_COUNT", "0")
    count = int(given) if given.isdecimal() else 0
    for name, value in {**_SETTINGS, **access.settings}.items():
        environment[f"GIT_CONFIG_KEY_{count}"] = name
        environment[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    environment["GIT_CONFIG_COUNT"] = str(count)
    # Nobody is there to be asked for a password.
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "LC_ALL": "C"}
    if access.agent:
        environment["SSH_AUTH_SOCK"] = access.agent
    if access.ssh:
        environment["GIT_SSH_COMMAND"] = access.ssh
    else:
        environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return environment


def _message(errors: bytes, access: GitAccess) -> str:
    text = errors.decode("utf-8", "replace").strip()
    for secret in sorted(access.secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, MASK)
    lines = [line for line in text.splitlines() if not line.startswith(("From ", "warning: "))]
    return _PREFIX.sub("", "\n".join(lines[-8:])) or "git said nothing"
