"""A repository's exchanges with the machine that has it; what may pass is tried again."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import anyio

from keelway._tools.git_push import is_passing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keelway.gitops.access import Access
    from keelway.gitops.git import Answer
    from keelway.gitops.spec import GitOpsSpec

_DEPTH = "50"
"""So many commits are fetched: enough to see what was deployed before."""
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30


async def exchange(
    access: Access, spec: GitOpsSpec, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Return the answer of a remote; what may pass is tried again.

    Raises:
        GitOpsError: It gave none, or refused.
    """
    answer = await work()
    for tried in range(1, spec.attempts):
        if not answer.code or not is_passing(answer.complaint):
            break
        await pause(tried)
        answer = await work()
    if not answer.code:
        return answer
    raise access.git.problem(
        f"the repository of {spec.target} cannot be read: branch {spec.branch} of {spec.url}",
        answer,
        next_step=advice_on(answer),
    )


def advice_on(answer: Answer) -> str | None:
    """Return what helps against what a remote complains of."""
    said = answer.complaint.lower()
    if "host key verification failed" in said:
        return "put the host's key into the file of known hosts, from a source that you trust"
    if "could not read username" in said or "authentication failed" in said:
        return "set login.token"
    if "permission denied" in said:
        return "set login.ssh_key, or load the key into the ssh agent"
    return None


async def clone(access: Access, spec: GitOpsSpec) -> Answer:
    """Return how a shallow clone of the branch ended."""
    shutil.rmtree(access.tree, ignore_errors=True)
    words = ("clone", "--quiet", "--no-tags", "--single-branch", "--template=", f"--depth={_DEPTH}",
             f"--branch={spec.branch}", "--", spec.url, str(access.tree))  # fmt: skip
    return await access.git.ask(*words, cwd=access.folder)


async def clone_history(access: Access, spec: GitOpsSpec) -> Answer:
    """Return how a clone of the branch's commits ended, without files where the remote can that."""
    shutil.rmtree(access.tree, ignore_errors=True)
    words = ("clone", "--quiet", "--bare", "--no-tags", "--single-branch", "--template=")
    which = ("--filter=tree:0", f"--branch={spec.branch}", "--", spec.url, str(access.tree))
    return await access.git.ask(*words, *which, cwd=access.folder)


async def catch_up(access: Access, spec: GitOpsSpec) -> Answer:
    """Return how the work tree's way to the branch's new head ended; changes in it are gone."""
    wanted = f"+refs/heads/{spec.branch}:refs/remotes/origin/{spec.branch}"
    fetched = await access.git.ask(
        "fetch", "--quiet", "--no-tags", f"--depth={_DEPTH}", "origin", wanted, cwd=access.tree
    )
    if fetched.code:
        return fetched
    return await access.git.ask(
        "reset", "--quiet", "--hard", f"refs/remotes/origin/{spec.branch}", cwd=access.tree
    )


async def pause(tried: int) -> None:
    """Wait before the next try: longer each time, and never as long as another writer."""
    longest = min(_PAUSE_S * 2**tried, _LONGEST_PAUSE_S)
    await anyio.sleep(random.uniform(_PAUSE_S / 2, longest))  # noqa: S311 - no secret
