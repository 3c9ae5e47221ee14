"""The commit, asked of git once.

Nothing here fails a release: where git cannot answer, the reason is kept and shown in the plan.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway.tags.commit import Commit
from keelway.tags.semver import parse_semver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TIMEOUT_S = 30

_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
_TIME = ("log", "-1", "--no-show-signature", "--format=%ct")
_TAGS = ("for-each-ref", "--points-at=HEAD", "--format=%(refname:strip=2)", "refs/tags")
_REMOTE = ("config", "--default=", "--get", "remote.origin.url")
_DEFAULT = ("for-each-ref", "--format=%(symref:strip=3)", "refs/remotes/origin/HEAD")
_SHALLOW = ("rev-parse", "--is-shallow-repository")


_QUESTIONS = (_STATUS, _TIME, _TAGS, _REMOTE, _DEFAULT, _SHALLOW)
_LOGIN = re.compile(r"^([a-z+]+://)[^/@]*@")


@dataclass(frozen=True, slots=True)
class NoCommit:
    """There is no commit to speak of."""

    reason: str


def read_commit(directory: Path, environ: Mapping[str, str]) -> Commit | NoCommit:
    """Return the commit that is checked out in the directory, or why there is none.

    Args:
        directory: Anywhere inside the working tree.
        environ: The environment that git runs in.
    """
    # Messages are matched below; and looking must not lock the index of a busy repository.
    env = {**environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        asked = [_ask(directory, env, words) for words in _QUESTIONS]
    except FileNotFoundError:
        return NoCommit("git is not installed")
    except PermissionError as error:
        return NoCommit(f"git cannot be started: {error}")
    answers = [_answer(process) for process in asked]
    for answer in answers:
        if isinstance(answer, NoCommit):
            return answer
    return _commit([answer for answer in answers if isinstance(answer, str)])


def read_remote(directory: Path, environ: Mapping[str, str]) -> str:
    """Return the address of the remote `origin`, without a login; nothing where there is none.

    Unlike a commit, it is known from the first moment of a repository.
    """
    env = {**environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        answer = _answer(_ask(directory, env, _REMOTE))
    except OSError:
        return ""
    return "" if isinstance(answer, NoCommit) else _LOGIN.sub(r"\1", answer.strip())


def _ask(directory: Path, env: Mapping[str, str], words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start git; all questions run side by side, since each costs some milliseconds."""
    return subprocess.Popen(
        ["git", *words],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _answer(process: subprocess.Popen[bytes]) -> str | NoCommit:
    with process:
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return NoCommit(f"git did not answer within {TIMEOUT_S} s")
    if process.returncode == 0:
        return out.decode(errors="replace")
    return NoCommit(reason_of(err.decode(errors="replace").strip()))


def reason_of(message: str) -> str:
    """Return why git did not answer, from what it wrote to standard error."""
    if "not a git repository" in message:
        return "this is not a git repository"
    if "does not have any commits yet" in message:
        return "the git repository has no commit yet"
    first = message.splitlines()[0] if message else "no message"
    return f"git says: {first}"


def _commit(answers: Sequence[str]) -> Commit:
    """Return the commit from what git wrote for each question."""
    status, time, tags, remote, default, shallow = answers
    records = [record for record in status.split("\0") if record]
    heads = dict(
        record.removeprefix("# ").split(" ", 1) for record in records if record.startswith("# ")
    )
    branch = heads.get("branch.head", "(detached)")
    return Commit(
        sha=heads["branch.oid"],
        committed_at=datetime.fromtimestamp(int(time.strip()), UTC),
        branch=None if branch == "(detached)" else branch,
        tag=_chosen_tag(tags.splitlines()),
        tags=tuple(sorted(tags.splitlines())),
        dirty=any(not record.startswith("# ") for record in records),
        remote=_LOGIN.sub(r"\1", remote.strip()) or None,
        default_branch=default.strip() or None,
        shallow=shallow.strip() == "true",
    )


def _chosen_tag(tags: Sequence[str]) -> str | None:
    """Return the highest version among the tags, else the first by name."""
    versions = [version for tag in tags if (version := parse_semver(tag)) is not None]
    if versions:
        return max(versions, key=lambda version: (version.precedence(), version.raw)).raw
    return min(tags, default=None)
