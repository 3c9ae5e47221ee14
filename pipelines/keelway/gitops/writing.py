"""A release written into a repository: changed, committed and pushed.

Nothing is ever forced on the branch that is followed. A push that is refused for somebody else's is
done again on the new head, after a pause whose length is chance, so that two writers come apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway._tools.git_push import is_passing, parse_push, parse_remote_words
from keelway.gitops.build_check import check_build
from keelway.gitops.message import TARGET_TRAILER, branch_of, entry_of, message_of
from keelway.gitops.problem import GitOpsError
from keelway.gitops.remote import advice_on, catch_up, clone, clone_history, exchange, pause
from keelway.gitops.tree import changed_files, images_of, write

if TYPE_CHECKING:
    from keelway.gitops.access import Access
    from keelway.gitops.spec import GitOpsSpec
    from keelway.model.history import HistoryEntry
    from keelway.model.target_release import TargetRelease


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the repository has now."""

    commit: str
    """The commit that has it."""
    branch: str
    """Where the commit is."""
    files: tuple[str, ...]
    """What changed; nothing where all was there already."""
    replaced: str | None
    """The version that was there before, where keelway wrote it."""
    tries: int
    """How often it was tried."""

    @property
    def changed(self) -> bool:
        """Return whether there was anything to write."""
        return bool(self.files)


async def write_release(access: Access, spec: GitOpsSpec, release: TargetRelease) -> Written:
    """Return what a repository has once it names the images of a release.

    Raises:
        GitOpsError: It could not be reached, refused it, or has no place for the images.
    """
    images = images_of(spec, release)
    await exchange(access, spec, lambda: clone(access, spec))
    for tried in range(1, spec.attempts + 1):
        entries = await _entries(access, spec)
        replaced = entries[-1].version if entries else None
        files = changed_files(access.tree, spec, images)
        shown = tuple(str(path.relative_to(access.tree.resolve())) for path in files)
        for path, text in files.items():
            write(path, text)
        if shown:
            await check_build(spec, access.tree, images)
            await _commit(access, shown, message_of(spec, release, replaced))
        branch = await _push(access, spec, release) if shown else spec.branch
        if branch is not None:
            head = await access.git.run("rev-parse", "HEAD", cwd=access.tree, doing="looking")
            return Written(
                commit=head.strip(), branch=branch, files=shown, replaced=replaced, tries=tried
            )
        await pause(tried)
        await exchange(access, spec, lambda: catch_up(access, spec))
    raise GitOpsError(
        f"{spec.attempts} times others were first, or the connection was lost: nothing was pushed",
        next_step=f"run it again; deploy.{spec.target}.attempts may be raised",
    )


async def read_entries(access: Access, spec: GitOpsSpec, limit: int) -> tuple[HistoryEntry, ...]:
    """Return the last events that a branch tells of a target, oldest first.

    Raises:
        GitOpsError: The repository could not be reached.
    """
    await exchange(access, spec, lambda: clone_history(access, spec))
    return (await _entries(access, spec, limit))[-limit:]


async def _entries(
    access: Access, spec: GitOpsSpec, limit: int | None = None
) -> tuple[HistoryEntry, ...]:
    words = () if limit is None else (f"--max-count={limit}",)
    said = await access.git.run(
        "log",
        *words,
        "-z",
        "--no-show-signature",
        "--fixed-strings",
        f"--grep={TARGET_TRAILER}: {spec.target}",
        "--format=%ct%n%B",
        cwd=access.tree,
        doing="reading the history",
    )
    found: list[HistoryEntry] = []
    for record in said.split("\0"):
        at, _, message = record.lstrip("\n").partition("\n")
        entry = entry_of(message, datetime.fromtimestamp(int(at), UTC)) if at else None
        if entry is not None and entry.target == spec.target:
            found.append(entry)
    return tuple(reversed(found))


async def _commit(access: Access, files: tuple[str, ...], message: str) -> None:
    git, tree = access.git, access.tree
    sign = ("--gpg-sign",) if access.signs else ()
    await git.run(
        "commit",
        "--quiet",
        *sign,
        "--no-verify",
        "--cleanup=verbatim",
        "--file=-",
        "--only",
        "--",
        *files,
        cwd=tree,
        given=message,
        doing="committing",
    )


async def _push(access: Access, spec: GitOpsSpec, release: TargetRelease) -> str | None:
    """Return the branch that has HEAD now; nothing when somebody else was first.

    Where a branch of an earlier run has the same already, HEAD is the commit of that one.
    """
    if spec.mode == "push":
        return await _pushed(access, spec, spec.branch, ())
    branch = branch_of(spec, release)
    there = await exchange(
        access,
        spec,
        lambda: access.git.ask(
            "ls-remote", "--quiet", "origin", f"refs/heads/{branch}", cwd=access.tree
        ),
    )
    head = there.stdout.split("\t")[0].strip()
    if head and await _has_same_files(access, spec, branch):
        await access.git.run(
            "reset", "--quiet", "--soft", "FETCH_HEAD", cwd=access.tree, doing="looking"
        )
        return branch
    return await _pushed(access, spec, branch, (f"--force-with-lease=refs/heads/{branch}:{head}",))


async def _has_same_files(access: Access, spec: GitOpsSpec, branch: str) -> bool:
    """Return whether a branch of an earlier run has what ours has, on the same commit."""
    fetch = ("fetch", "--quiet", "--no-tags", "--depth=2", "origin", f"refs/heads/{branch}")
    await exchange(access, spec, lambda: access.git.ask(*fetch, cwd=access.tree))
    names = ("FETCH_HEAD^{tree}", "HEAD^{tree}", "FETCH_HEAD^", "HEAD^")
    answer = await access.git.ask("rev-parse", *names, cwd=access.tree)
    found = answer.stdout.split()
    return not answer.code and found[0] == found[1] and found[2] == found[3]


async def _pushed(
    access: Access, spec: GitOpsSpec, branch: str, options: tuple[str, ...]
) -> str | None:
    words = ("push", "--porcelain", "--no-verify", *options, "origin", f"HEAD:refs/heads/{branch}")
    answer = await access.git.ask(*words, cwd=access.tree)
    result = parse_push(answer.stdout)
    if result.arrived and not answer.code:
        return branch
    if result.raced or (not result.reason and is_passing(answer.complaint)):
        return None
    raise GitOpsError(
        f"{branch} of {spec.url} refuses the commit: {result.reason or 'see below'}",
        why=access.git.problem("", answer).why
        if not result.reason
        else parse_remote_words(answer.stderr) or None,
        next_step='let it be reviewed: mode = "branch" pushes to a branch of its own'
        if result.reason and spec.mode == "push"
        else advice_on(answer),
    )
