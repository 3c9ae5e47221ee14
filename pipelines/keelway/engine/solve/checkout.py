"""A commit's files as a tree, with or without the `.git` that they came with."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.solve.gitaccess import opened
from keelway.engine.store.git import git

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from keelway.engine.graph.git import GitSource
    from keelway.engine.graph.sources import GitTree
    from keelway.engine.solve.gitaccess import Place
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Views

_BRANCH = "refs/heads/"
_KEPT = "refs/keelway/"
_LEFTOVERS = ("FETCH_HEAD", "ORIG_HEAD", "logs", "hooks", "description", "info/exclude")


def checkout(step: Step, op: GitTree) -> Snapshot:
    """Return the files of a commit; owned by root, dated as the commit is.

    Raises:
        EngineError: The repository was not reached, or does not have the commit.
    """
    with opened(op.source, step.machine, step.views) as place:
        work = step.machine.store.new_work("checkout")
        try:
            tree = work / "tree"
            tree.mkdir(mode=0o755)
            _fill(tree, op, place)
            return (step.machine.store.layers.commit(tree),)
        finally:
            step.machine.store.discard(work)


def _fill(tree: Path, op: GitTree, place: Place) -> None:
    doing = f"check out {op.commit[:12]} of {place.shown}"
    _init(tree, op.commit, doing)
    ref = op.ref if op.ref.startswith("refs/") else ""
    options = [f"--depth={op.depth}"] if op.depth > 0 else []
    _fetch(tree, place, op.commit, [*options, "--tags" if op.tags else "--no-tags"], ref)
    branch = op.ref.removeprefix(_BRANCH) if op.ref.startswith(_BRANCH) else ""
    if branch:
        git(["update-ref", f"refs/remotes/origin/{branch}", op.commit], cwd=tree, doing=doing)
        git(["checkout", "-q", "-B", branch, op.commit], cwd=tree, doing=doing)
    else:
        if ref.startswith("refs/tags/") and not op.tags:
            git(["update-ref", ref, f"{_KEPT}0"], cwd=tree, doing=doing)
        git(["checkout", "-q", "--detach", op.commit], cwd=tree, doing=doing)
    git(["update-ref", "-d", f"{_KEPT}0"], cwd=tree, doing=doing)
    if op.submodules:
        _submodules(tree, place, op.source.address, doing)
    seconds = int(git(["log", "-1", "--format=%ct", op.commit], cwd=tree, doing=doing))
    if op.discard:
        _discard(tree)
    else:
        _settle(tree, op, doing)
    _date(tree, max(0, seconds))


def _init(folder: Path, commit: str, doing: str, *options: str) -> None:
    kind = "sha1" if len(commit) == 40 else "sha256"  # noqa: PLR2004 - hex digits of SHA-1
    arguments = ["init", "-q", "--template=", f"--object-format={kind}", *options]
    git([*arguments, "--initial-branch=main"], cwd=folder, doing=doing)


def _fetch(folder: Path, place: Place, commit: str, options: list[str], ref: str) -> None:
    """Fetch one commit; from servers that do not give a commit by its hash, what has it.

    Raises:
        EngineError: The repository does not have it.
    """
    doing = f"fetch {commit[:12]} of {place.shown}"
    always = ["-q", "--no-write-fetch-head", "--no-recurse-submodules", "--update-head-ok"]
    wanted = (ref, commit) if ref.startswith("refs/tags/") else (commit,)
    error: EngineError | None = None
    for want in wanted:
        try:
            place.git("fetch", [*always, *options], f"+{want}:{_KEPT}0", cwd=folder, doing=doing)
        except EngineError as failed:
            error = failed
        else:
            if _has(folder, commit):
                return
    try:
        whole = [option for option in options if not option.startswith("--depth")]
        place.git("fetch", [*always, *whole], "+refs/*:refs/keelway/all/*", cwd=folder, doing=doing)
    except EngineError as failed:
        raise error or failed from None
    if not _has(folder, commit):
        raise EngineError(f"git repository {place.shown} does not contain the commit {commit}")
    for name in git(
        ["for-each-ref", "--format=%(refname)", _KEPT], cwd=folder, doing=doing
    ).split():
        git(["update-ref", "-d", name], cwd=folder, doing=doing)
    git(["update-ref", f"{_KEPT}0", commit], cwd=folder, doing=doing)


def _has(folder: Path, commit: str) -> bool:
    with suppress(EngineError):
        git(["cat-file", "-e", f"{commit}^{{commit}}"], cwd=folder, doing="look")
        return True
    return False


def _submodules(tree: Path, place: Place, address: str, doing: str) -> None:
    if (tree / ".gitmodules").is_file():
        if address:  # what their relative addresses are relative to
            git(["remote", "add", "origin", address], cwd=tree, doing=doing)
        update = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]
        git(update, cwd=tree, doing=f"{doing} with its submodules", access=place.access)


def _discard(tree: Path) -> None:
    shutil.rmtree(tree / ".git")
    for folder, names, files in os.walk(tree):
        if ".git" in files:  # a submodule's way to the repository that is gone
            (Path(folder) / ".git").unlink()
        names[:] = [name for name in names if not (Path(folder) / name).is_symlink()]


def _settle(tree: Path, op: GitTree, doing: str) -> None:
    """Leave a `.git` that is the same for every checkout of the commit."""
    inner = tree / ".git"
    if op.origin:
        with suppress(EngineError):  # there for submodules
            git(["remote", "remove", "origin"], cwd=tree, doing=doing)
        git(["remote", "add", "origin", op.origin], cwd=tree, doing=doing)
        if op.ref.startswith(_BRANCH):
            branch = op.ref.removeprefix(_BRANCH)
            git(["update-ref", f"refs/remotes/origin/{branch}", op.commit], cwd=tree, doing=doing)
    for name in _LEFTOVERS:
        path = inner / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    # An index that was read anew has no times and inode numbers in it.
    (inner / "index").unlink(missing_ok=True)
    git(["read-tree", "HEAD"], cwd=tree, doing=doing)


def _date(tree: Path, seconds: int) -> None:
    for folder, names, files in os.walk(tree, topdown=False):
        for name in (*names, *files):
            os.utime(Path(folder) / name, (seconds, seconds), follow_symlinks=False)
    os.utime(tree, (seconds, seconds))


def common_ancestor(sides: list[tuple[GitSource, str]], machine: Machine, views: Views) -> str:
    """Return the best commit that the histories of both commits have.

    Raises:
        EngineError: They have none in common, or were not reached.
    """
    doing = "find a common ancestor"
    with fetched(sides, machine, views, doing=doing, depth=0) as work:
        try:
            return git(
                ["merge-base", *(commit for _, commit in sides)], cwd=work, doing=doing
            ).strip()
        except EngineError:
            first, second = (commit[:12] for _, commit in sides)
            raise EngineError(f"no common ancestor of {first} and {second}") from None


@contextmanager
def fetched(
    commits: Sequence[tuple[GitSource, str]],
    machine: Machine,
    views: Views,
    *,
    doing: str,
    depth: int = 1,
) -> Generator[Path]:
    """Give a repository with these commits, and so much of their history (0 for all of it).

    Raises:
        EngineError: A repository was not reached, or does not have its commit.
    """
    work = machine.store.new_work("fetched")
    options = ["--no-tags", f"--depth={depth}"] if depth else ["--no-tags"]
    try:
        _init(work, commits[0][1], doing, "--bare")
        for number, (source, commit) in enumerate(commits):
            with opened(source, machine, views) as place:
                _fetch(work, place, commit, options, "")
            git(["update-ref", f"refs/fetched/{number}", commit], cwd=work, doing=doing)
        yield work
    finally:
        machine.store.discard(work)
