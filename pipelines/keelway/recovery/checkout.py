"""The commit that an image was made of, checked out beside the repository as it was released.

A clone, not a work tree: tags and labels come from the branch or the git tag that is checked out,
and a branch can be in one work tree only.
"""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@asynccontextmanager
async def checked_out(root: Path, commit: str, branch: str | None) -> AsyncGenerator[Path]:
    """Give a clean checkout of a commit until the end of the block.

    Args:
        root: Anywhere in the repository that has it; the same place in the checkout is given.
        commit: The commit.
        branch: What it was released as; the branch that has it when absent, the present one first,
            and none where a git tag names it.

    Raises:
        PlanError: There is no git, no repository, or no such commit in it.
    """
    top = Path(await _git(root, "rev-parse", "--show-toplevel"))
    sha = await _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    name = branch or await _branch_of(root, sha)
    remote = await _git(root, "config", "--default=", "--get", "remote.origin.url")
    with tempfile.TemporaryDirectory(prefix="keelway-rebuild-") as folder:
        place = Path(folder) / top.name
        await _git(root, "clone", "--quiet", "--shared", "--no-checkout", str(top), str(place))
        words = ("--detach",) if name is None else ("-B", name)
        await _git(place, "checkout", "--quiet", *words, sha)
        if remote:
            await _git(place, "remote", "set-url", "origin", remote)
        yield place / await _git(root, "rev-parse", "--show-prefix")


async def _branch_of(root: Path, sha: str) -> str | None:
    if await _git(root, "tag", "--points-at", sha):
        return None
    listed = await _git(root, "branch", "--contains", sha, "--format=%(HEAD) %(refname:short)")
    lines = sorted(listed.splitlines(), reverse=True)
    # The present one has a star; a detached head is shown in brackets, and is no branch.
    present = [line for line in lines if line.startswith("*")]
    names = [line[2:].strip() for line in (*present, *lines) if "(" not in line]
    return names[0] if names else None


async def _git(folder: Path, *words: str) -> str:
    try:
        done = await anyio.run_process(["git", *words], cwd=str(folder), check=False)
    except OSError as error:
        raise PlanError("git cannot be run", why=str(error), next_step="install git") from error
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip()
        raise PlanError(
            f"the commit cannot be checked out: git {words[0]} failed",
            why=why or None,
            next_step="be in the repository, and fetch the commit: git fetch --all --tags",
        )
    return done.stdout.decode().strip()
