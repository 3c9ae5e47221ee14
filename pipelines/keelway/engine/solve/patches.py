"""Changes as patches, by git: written, counted, applied, and joined with others."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.changes import Conflict
from keelway.engine.run.inroot import Root
from keelway.engine.solve.changes import Changes, compare, do, folder
from keelway.engine.solve.trees import real_path
from keelway.engine.store.git import git

if TYPE_CHECKING:
    from keelway.engine.graph.changes import ApplyPatch, MakePatch, MergeChanges
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step

_DOING = "compare two directories"
# What files say of themselves in .gitattributes must not change what is in the patch.
_ATTRIBUTES = "* -text -filter -ident !working-tree-encoding !diff !merge\n"
_KINDS = {"A": "ADDED", "D": "REMOVED", "M": "MODIFIED", "T": "MODIFIED", "R": "RENAMED"}
_MOST_CONFLICTS = 127
"""Exit codes of `git merge-file` above this are errors, below it counts of conflicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffStat:
    """What happened to one file; lines of binary files count as none."""

    path: str
    kind: str
    added_lines: int
    removed_lines: int
    old_path: str | None = None


def make_patch(step: Step, op: MakePatch) -> Snapshot:
    """Return a tree with `diff.patch`.

    Raises:
        EngineError: A directory can't be read.
    """
    with (
        folder(step.views, step.inputs[0], op.before) as before,
        folder(step.views, step.inputs[1], op.after) as after,
        step.views.writing(()) as writing,
    ):
        work = step.machine.store.new_work("patch")
        try:
            text = _diff(work, before, after, "-p", "--binary", "--full-index", "--no-renames")
        finally:
            step.machine.store.discard(work)
        target = writing.root / "diff.patch"
        target.write_bytes(text.encode("utf-8", "surrogateescape"))
        target.chmod(0o644)
    return writing.result


def diff_stats(work: Path, before: Path, after: Path) -> list[DiffStat]:
    """Return what happened to each file; `work` is an empty folder.

    Raises:
        EngineError: A directory can't be read.
    """
    text = _diff(work, before, after, "-M", "--raw", "--numstat", "-z")
    fields = iter(text.split("\0")[:-1])
    kinds: dict[str, str] = {}
    stats: list[DiffStat] = []
    for item in fields:
        if item.startswith(":"):
            kind = _KINDS[item.split(" ")[4][0]]
            path = next(fields)
            kinds[next(fields) if kind == "RENAMED" else path] = kind
            continue
        added, removed, path = item.split("\t", 2)
        old = None if path else next(fields)
        path = path or next(fields)
        stats.append(
            DiffStat(
                path=path,
                kind=kinds[path],
                added_lines=int(added) if added != "-" else 0,
                removed_lines=int(removed) if removed != "-" else 0,
                old_path=old,
            )
        )
    return sorted(stats, key=lambda found: found.path)


def _diff(work: Path, before: Path, after: Path, *options: str) -> str:
    """Return what `git diff-tree` says of two folders; only what differs is read into git."""
    changes = compare(before, after)
    git(["init", "-q", "--bare", "--template=", "."], cwd=work, doing=_DOING)
    (work / "info").mkdir(exist_ok=True)
    (work / "info" / "attributes").write_text(_ATTRIBUTES)
    trees = [
        _tree(work, before, [*changes.removed, *changes.modified]),
        _tree(work, after, [*changes.added, *changes.modified]),
    ]
    return git(["diff-tree", "-r", *options, *trees], cwd=work, doing=_DOING)


def _tree(work: Path, top: Path, paths: list[str]) -> str:
    files = [path for path in paths if not path.endswith("/") and ".git" not in path.split("/")]
    listed = "".join(f"{path}\0" for path in files if _storable(top / path))
    here = [f"--git-dir={work}", f"--work-tree={top}", "-c", "core.bare=false"]
    (work / "index").unlink(missing_ok=True)
    update = ["update-index", "--add", "-z", "--stdin"]
    git([*here, *update], cwd=top, doing=_DOING, data=listed)
    return git([*here, "write-tree"], cwd=top, doing=_DOING).strip()


def _storable(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def apply_patch(step: Step, op: ApplyPatch) -> Snapshot:
    """Return the first input patched.

    Raises:
        EngineError: The patch is none, or does not fit.
    """
    patch = op.patch
    if op.source:
        with step.views.reading(step.inputs[1]) as view, Root(view) as tree:
            source = real_path(tree, op.source)
            patch = source.read_bytes().decode("utf-8", "surrogateescape")
    if not patch.strip():
        return step.inputs[0]
    with step.views.writing(step.inputs[0]) as writing, Root(writing.root) as root:
        where = real_path(root, op.path)
        arguments = ["apply", "--whitespace=nowarn", "-"]
        git(arguments, cwd=where, doing="apply the patch", data=patch, alone=True)
    return writing.result


# --- merging ---------------------------------------------------------------------------------


def merge_changes(step: Step, op: MergeChanges) -> Snapshot:
    """Return the second input with both changes.

    Raises:
        EngineError: They contradict each other, and nothing says which counts.
    """
    with (
        folder(step.views, step.inputs[0], op.paths[0]) as base,
        folder(step.views, step.inputs[1], op.paths[1]) as ours,
        folder(step.views, step.inputs[2], op.paths[2]) as their_base,
        folder(step.views, step.inputs[3], op.paths[3]) as theirs,
        step.views.writing(step.inputs[1]) as writing,
        Root(writing.root) as root,
    ):
        merger = _Merger(base=base, ours=ours, theirs=theirs, conflict=op.conflict)
        changes = merger.split(compare(base, ours), compare(their_base, theirs))
        do(changes, theirs, root, op.paths[1].rstrip("/"))
        for path, data in merger.joined.items():
            root.write_file(f"{op.paths[1].rstrip('/')}/{path}", data)
    return writing.result


class _Merger:
    """Finds what of their changes can be done as it is, and joins the rest."""

    def __init__(self, *, base: Path, ours: Path, theirs: Path, conflict: Conflict) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._conflict = conflict
        self.joined: dict[str, bytes] = {}

    def split(self, ours: Changes, theirs: Changes) -> Changes:
        """Return the changes to do as they are; `joined` has the files made of both."""
        files = [
            path
            for path in (*theirs.added, *theirs.modified, *theirs.removed)
            if not path.endswith("/")
        ]
        mine = {*ours.added, *ours.modified, *ours.removed}
        kept: set[str] = set()
        failed: list[str] = []
        for path in files:
            if path in mine and not _equal(self._ours / path, self._theirs / path):
                kept.add(path)
                if not self._settle(path, kept):
                    failed.append(path)
        if failed:
            raise EngineError(f"merge conflict in changesets: {', '.join(sorted(failed))}")
        return Changes(
            added=[path for path in theirs.added if path not in kept],
            modified=[path for path in theirs.modified if path not in kept],
            removed=_without(theirs.removed, kept),
        )

    def _settle(self, path: str, kept: set[str]) -> bool:
        """Decide on one file that both have changed; False when nothing can."""
        ours, theirs = self._ours / path, self._theirs / path
        plain = _is_file(ours) and _is_file(theirs)
        if self._conflict is Conflict.FAIL_EARLY:
            return False
        if plain:
            data, conflicts = _merged(self._base / path, ours, theirs, self._conflict)
            if not conflicts or self._conflict is not Conflict.FAIL:
                self.joined[path] = data
                return True
            return False
        if self._conflict is Conflict.PREFER_THEIRS or (
            self._conflict is Conflict.LEAVE_CONFLICT_MARKERS and not _exists(ours)
        ):
            kept.discard(path)
        return self._conflict is not Conflict.FAIL


def _without(removed: list[str], kept: set[str]) -> list[str]:
    """Return what is removed, without what is kept and the directories that it is in."""
    return [
        path
        for path in removed
        if path not in kept
        and not (path.endswith("/") and any(name.startswith(path) for name in kept))
    ]


def _merged(base: Path, ours: Path, theirs: Path, conflict: Conflict) -> tuple[bytes, bool]:
    prefer = {Conflict.PREFER_OURS: ["--ours"], Conflict.PREFER_THEIRS: ["--theirs"]}
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    old = base if _is_file(base) else Path("/dev/null")
    command = ["git", "merge-file", "-p", *prefer.get(conflict, []), *labels]
    done = subprocess.run(
        [*command, str(ours), str(old), str(theirs)], check=False, capture_output=True
    )
    if done.returncode > _MOST_CONFLICTS:  # a binary file
        chosen = theirs if conflict is Conflict.PREFER_THEIRS else ours
        return chosen.read_bytes(), True
    return done.stdout, done.returncode != 0


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _equal(first: Path, second: Path) -> bool:
    if not _exists(first) or not _exists(second):
        return _exists(first) == _exists(second)
    if _is_file(first) and _is_file(second):
        return first.read_bytes() == second.read_bytes()
    links = first.is_symlink() and second.is_symlink()
    return links and first.readlink() == second.readlink()
