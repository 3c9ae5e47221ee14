"""Changesets and patches: `Directory.changes`, `withChanges`, `withPatch`, `Changeset`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from keelway.engine.graph.changes import (
    ApplyChanges,
    ApplyPatch,
    Changeset,
    Conflict,
    MakePatch,
    MergeChanges,
)
from keelway.engine.graph.git import GitKind, GitRef
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import CopyTree, Scratch
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import own_client
from keelway.engine.schema.resolve_git import ref_tree
from keelway.engine.solve.changes import compare, do_on_host, folder
from keelway.engine.solve.patches import diff_stats

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.engine.graph.git import GitRepository
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session
    from keelway.engine.solve.changes import Changes
    from keelway.engine.solve.patches import DiffStat

CHANGES = Resolvers()
CHANGES.record("Changeset", "before", "after")
CHANGES.record("DiffStat", "path", "kind", "addedLines", "removedLines", "oldPath")


@contextmanager
def _opened(changeset: Changeset, session: Session) -> Generator[tuple[Path, Path]]:
    """Give the real paths of both directories for the time of the block."""
    sides = (changeset.before, changeset.after)
    results = session.solver.evaluate_all([side.node for side in sides])
    views = session.solver.views
    with (
        folder(views, results[0].snapshot, sides[0].path) as before,
        folder(views, results[1].snapshot, sides[1].path) as after,
    ):
        yield before, after


def _changes(changeset: Changeset, session: Session) -> Changes:
    with _opened(changeset, session) as (before, after):
        return compare(before, after)


def _applied(target: Directory, changeset: Changeset) -> Directory:
    before, after = changeset.before, changeset.after
    op = ApplyChanges(path=target.path, before=before.path, after=after.path)
    return Directory(node=Node.of(op, target.node, before.node, after.node), path=target.path)


# --- Directory -------------------------------------------------------------------------------


@CHANGES.field("Query", "changeset")
def empty(_parent: object, _args: Arguments, _session: Session) -> Changeset:
    """Return the changeset that changes nothing."""
    nothing = Directory(node=Node.of(Scratch()))
    return Changeset(before=nothing, after=nothing)


@CHANGES.field("Directory", "changes")
def changes(parent: Directory, args: Arguments, session: Session) -> Changeset:
    """Return what leads from another directory to this one."""
    return Changeset(before=session.directory(args["from"]), after=parent)


@CHANGES.field("Directory", "withChanges")
def with_changes(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Do the changes to this directory."""
    return _applied(parent, session.changeset(args["changes"]))


@CHANGES.field("Directory", "withPatch")
def with_patch(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Apply a patch."""
    op = ApplyPatch(path=parent.path, patch=args["patch"])
    return Directory(node=Node.of(op, parent.node), path=parent.path)


@CHANGES.field("Directory", "withPatchFile")
def with_patch_file(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Apply the patch in a file."""
    file = session.file(args["patch"])
    op = ApplyPatch(path=parent.path, source=file.path)
    return Directory(node=Node.of(op, parent.node, file.node), path=parent.path)


@CHANGES.field("GitRepository", "uncommitted")
def uncommitted(parent: GitRepository, _args: Arguments, session: Session) -> Changeset:
    """Return what a directory has that its HEAD has not; a repository elsewhere has nothing."""
    head = ref_tree(GitRef(repository=parent, kind=GitKind.HEAD), session, discard=True)
    if parent.directory is None:
        return Changeset(before=head, after=head)
    files = CopyTree(source=parent.directory.path, dest="/", exclude=(".git",), gitignore=True)
    node = Node.of(files, Node.of(Scratch()), parent.directory.node)
    return Changeset(before=head, after=Directory(node=node))


# --- Changeset -------------------------------------------------------------------------------


@CHANGES.field("Changeset", "addedPaths")
def added_paths(parent: Changeset, _args: Arguments, session: Session) -> list[str]:
    """Return what is new; directories end in a slash."""
    return _changes(parent, session).added


@CHANGES.field("Changeset", "modifiedPaths")
def modified_paths(parent: Changeset, _args: Arguments, session: Session) -> list[str]:
    """Return the files that are different."""
    return _changes(parent, session).modified


@CHANGES.field("Changeset", "removedPaths")
def removed_paths(parent: Changeset, _args: Arguments, session: Session) -> list[str]:
    """Return what is gone, without what was in directories that are gone."""
    return _changes(parent, session).removed_tops


@CHANGES.field("Changeset", "isEmpty")
def is_empty(parent: Changeset, _args: Arguments, session: Session) -> bool:
    """Say whether nothing is different."""
    return not _changes(parent, session)


@CHANGES.field("Changeset", "layer")
def layer(parent: Changeset, _args: Arguments, _session: Session) -> Directory:
    """Return only what is new or different."""
    return _applied(Directory(node=Node.of(Scratch())), parent)


@CHANGES.field("Changeset", "asPatch")
def as_patch(parent: Changeset, _args: Arguments, _session: Session) -> File:
    """Return the changes as git writes them."""
    op = MakePatch(before=parent.before.path, after=parent.after.path)
    return File(node=Node.of(op, parent.before.node, parent.after.node), path="/diff.patch")


@CHANGES.field("Changeset", "diffStats")
def stats(parent: Changeset, _args: Arguments, session: Session) -> list[DiffStat]:
    """Return how many lines of each file are new or gone."""
    with _opened(parent, session) as (before, after):
        work = session.store.new_work("stats")
        try:
            return diff_stats(work, before, after)
        finally:
            session.store.discard(work)


@CHANGES.field("Changeset", "export")
def export(parent: Changeset, args: Arguments, session: Session) -> str:
    """Do the changes to a folder of the host; returns its absolute path."""
    own_client("Changeset.export")
    dest = session.host_path(args["path"])
    with _opened(parent, session) as (before, after):
        do_on_host(compare(before, after), after, dest)
    return str(dest)


@CHANGES.field("Changeset", "withChangeset")
def with_changeset(parent: Changeset, args: Arguments, session: Session) -> Changeset:
    """Join another changeset with this one."""
    return _merged(parent, session.changeset(args["changes"]), args)


@CHANGES.field("Changeset", "withChangesets")
def with_changesets(parent: Changeset, args: Arguments, session: Session) -> Changeset:
    """Join several changesets with this one, in order."""
    for id_ in args["changes"]:
        parent = _merged(parent, session.changeset(id_), args)
    return parent


def _merged(ours: Changeset, theirs: Changeset, args: Arguments) -> Changeset:
    sides = (ours.before, ours.after, theirs.before, theirs.after)
    op = MergeChanges(
        paths=(sides[0].path, sides[1].path, sides[2].path, sides[3].path),
        conflict=Conflict(args.get("onConflict", "FAIL")),
    )
    after = Directory(node=Node.of(op, *(side.node for side in sides)), path=ours.after.path)
    return Changeset(before=ours.before, after=after)
