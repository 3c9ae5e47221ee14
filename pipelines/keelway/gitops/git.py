"""git, run for one repository: alone, asking nobody, and saying no secret.

Its settings come by environment variables: those of the machine that would change files, run hooks
or sign by themselves are off. What it may see of our own environment is a short list. A token is
given by a variable to a helper that answers for the repository's host alone, so that it is in no
argument, no address and no file.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from keelway.errors import redact
from keelway.gitops.problem import GitOpsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TOKEN_VARIABLE = "KEELWAY_GIT_TOKEN"  # noqa: S105 - a variable's name
_USER_VARIABLE = "KEELWAY_GIT_USER"
_SEEN = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
})  # fmt: skip
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "commit.gpgSign": "false",
    "push.gpgSign": "false",
    "push.followTags": "false",
    "submodule.recurse": "false",
    "protocol.ext.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "color.ui": "false",
}
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n"'
    f' "${_USER_VARIABLE}" "${_TOKEN_VARIABLE}"; }}; f'
)
TIMED_OUT = 124
"""The exit code of a command that took too long, as that of timeout(1)."""
MISSING = 127
"""The exit code of a program that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """Return what it printed for a person, or else for its caller."""
        return (self.stderr if self.stderr.strip() else self.stdout).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """The program with everything that it needs for one repository."""

    environment: Mapping[str, str]
    """All that it sees."""
    timeout_s: float
    """So many seconds a command may take."""
    secrets: tuple[str, ...] = ()
    """Values that must not be shown."""

    async def ask(self, *words: str, cwd: Path, given: str = "") -> Answer:
        """Return how a command of git ended, whatever its code."""
        return await answer_of(
            ["git", *words],
            cwd=cwd,
            environment=self.environment,
            given=given,
            timeout_s=self.timeout_s,
        )

    async def run(self, *words: str, cwd: Path, given: str = "", doing: str) -> str:
        """Return what a command of git printed.

        Args:
            words: Its arguments; no secret is among them.
            cwd: Where it is run.
            given: What it reads.
            doing: What is done by it, for the message: `committing`.

        Raises:
            GitOpsError: When it fails.
        """
        answer = await self.ask(*words, cwd=cwd, given=given)
        if answer.code:
            raise self.problem(f"{doing} failed", answer)
        return answer.stdout

    def problem(self, message: str, answer: Answer, *, next_step: str | None = None) -> GitOpsError:
        """Return the error that tells what git complains of, without secrets."""
        if answer.code == MISSING:
            next_step = "install git"
        return GitOpsError(
            redact(message, self.secrets),
            why=redact(answer.complaint, self.secrets) or f"exit code {answer.code}",
            next_step=next_step,
        )


def seen_environment() -> dict[str, str]:
    """Return what programs that work on a repository may see of our own environment."""
    return {
        **{name: value for name, value in os.environ.items() if name in _SEEN},
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


def with_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that give git settings, over those that always hold."""
    every = {**_SETTINGS, **settings}
    pairs = {
        f"GIT_CONFIG_{what}_{place}": text
        for place, (key, value) in enumerate(every.items())
        for what, text in (("KEY", key), ("VALUE", value))
    }
    return {"GIT_CONFIG_COUNT": str(len(every)), **pairs}


def token_settings(url: str, username: str, token: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return settings and variables by which git logs in at one host with a token.

    Raises:
        GitOpsError: When the address is none by HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise GitOpsError(
            "a token is for an address by https",
            next_step="give the repository by https, or set login.ssh_key in place of login.token",
        )
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return (
        {"credential.helper": "", f"credential.{host}.helper": _HELPER},
        {_USER_VARIABLE: username, _TOKEN_VARIABLE: token},
    )


def ssh_command(key: Path | None, known_hosts: str | None) -> str:
    """Return the command that git runs for an address by ssh; keys of hosts are always checked."""
    options = ["StrictHostKeyChecking=yes", "UpdateHostKeys=no", "BatchMode=yes"]
    if known_hosts is not None:
        options += [f'UserKnownHostsFile="{known_hosts}"', "GlobalKnownHostsFile=/dev/null"]
    if key is not None:
        options += ["IdentitiesOnly=yes", "IdentityAgent=none", f'IdentityFile="{key}"']
    return shlex.join(["ssh", *(word for option in options for word in ("-o", option))])


async def answer_of(
    words: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    given: str = "",
    timeout_s: float,
) -> Answer:
    """Return how a command ended, whatever its code; one that takes too long ends with its own."""
    try:
        process = await anyio.open_process(
            list(words), cwd=cwd, env=environment, start_new_session=True
        )
    except OSError as error:
        return Answer(code=MISSING, stdout="", stderr=f"{words[0]}: {error.strerror}")
    try:
        with anyio.move_on_after(timeout_s):
            return await _ended(process, given)
        return Answer(code=TIMED_OUT, stdout="", stderr=f"no end after {timeout_s:g} s")
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                # It may have ended since, where nobody could be told.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()


async def _ended(process: anyio.abc.Process, given: str) -> Answer:
    out, err = bytearray(), bytearray()

    async def collect(stream: anyio.abc.ByteReceiveStream | None, into: bytearray) -> None:
        if stream is not None:
            async for chunk in stream:
                into.extend(chunk)

    async with anyio.create_task_group() as group:
        group.start_soon(collect, process.stdout, out)
        group.start_soon(collect, process.stderr, err)
        if process.stdin is not None:
            # One that does not want it may end well all the same: its exit code tells.
            with contextlib.suppress(anyio.BrokenResourceError):
                await process.stdin.send(given.encode())
            await process.stdin.aclose()
    code = await process.wait()
    return Answer(
        code=code if code >= 0 else 128 - code,
        stdout=out.decode(errors="surrogateescape"),
        stderr=err.decode(errors="replace"),
    )
