"""The operations: what each one does once its inputs are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import changes, images, ops, sources
from keelway.engine.run.inroot import Root
from keelway.engine.solve.changes import apply_changes
from keelway.engine.solve.checkout import checkout
from keelway.engine.solve.copying import Attributes, Copier
from keelway.engine.solve.difference import difference
from keelway.engine.solve.edits import edited
from keelway.engine.solve.execs import run_exec
from keelway.engine.solve.images import tarball
from keelway.engine.solve.patches import apply_patch, make_patch, merge_changes
from keelway.engine.solve.result import Result, Snapshot
from keelway.engine.solve.trees import real_path
from keelway.engine.solve.webfile import web_file
from keelway.engine.store.images import Image
from keelway.engine.store.waited import abandoned_when

if TYPE_CHECKING:
    from keelway.engine.solve.step import Step


def run_step(step: Step, *, key: str) -> Result:
    """Run an operation and return its result under `key` (leaves of the host bring their own).

    Raises:
        EngineError: It failed, or nobody waits for it any more.
    """
    with abandoned_when(step.cancel.is_set):
        return _run(step, key)


def _run(step: Step, key: str) -> Result:  # noqa: C901, PLR0911, PLR0912 - one case an operation
    match step.op:
        case ops.Scratch():
            return _tree(key, ())
        case ops.Failure(message=message):
            raise EngineError(message)
        case images.ImageRoot():
            return _tree(key, _image(step, step.op))
        case sources.HostTree() | sources.HostFile():
            return _host(step, step.op)
        case sources.WebFile():
            return _tree(key, web_file(step, step.op))
        case sources.GitTree():
            return _tree(key, checkout(step, step.op))
        case ops.Exec():
            return run_exec(step, step.op, key)
        case ops.Subtree(path=path):
            return _tree(key, _subtree(step, step.inputs[0], path))
        case ops.Difference():
            return _tree(key, difference(step, step.op))
        case changes.ApplyChanges():
            return _tree(key, apply_changes(step, step.op))
        case changes.MergeChanges():
            return _tree(key, merge_changes(step, step.op))
        case changes.ApplyPatch():
            return _tree(key, apply_patch(step, step.op))
        case changes.MakePatch():
            return _tree(key, make_patch(step, step.op))
        case ops.Renamed():
            return _tree(key, _renamed(step, step.op))
        case images.Tarball():
            return _tree(key, tarball(step, step.op))
        case ops.CopyTree() if _is_whole(step, step.op):
            return _tree(key, _one(step, _subtree(step, step.inputs[1], step.op.source)))
        case _:
            return _tree(key, edited(step))


def _tree(key: str, snapshot: Snapshot) -> Result:
    return Result(key=key, snapshots=(snapshot,))


def _image(step: Step, op: images.ImageRoot) -> Snapshot:
    store = step.machine.store
    image = Image.from_json(op.source)
    store.images.pull(image, step.machine.auth())
    return store.layers.from_blobs(image.layers)


def _host(step: Step, op: sources.HostTree | sources.HostFile) -> Result:
    path = Path(op.path)
    if isinstance(op, sources.HostFile):
        found = step.machine.store.host.file(path)
    else:
        found = step.machine.store.host.snapshot(
            path, include=op.include, exclude=op.exclude, gitignore=op.gitignore
        )
    step.contents.know(found.layers, found.digest)
    key = found.digest.removeprefix("sha256:")
    return Result(key=key, snapshots=(tuple(found.layers),))


def _subtree(step: Step, snapshot: Snapshot, path: str) -> Snapshot:
    if path == "/":
        return snapshot
    with step.views.reading(snapshot) as view, Root(view) as root:
        where = real_path(root, path)
        if not where.is_dir():
            raise EngineError(f"path {path} is a file, not a directory")
        inner = str(root.resolve(path))
    return step.views.subtree(snapshot, inner)


def _is_whole(step: Step, op: ops.CopyTree) -> bool:
    """Say whether the copy is just the source: nothing is there, and nothing is left out."""
    plain = not (op.include or op.exclude or op.gitignore or op.owner or op.mode is not None)
    return plain and op.dest == "/" and not step.inputs[0]


def _one(step: Step, snapshot: Snapshot) -> Snapshot:
    """Return a tree as one layer, as every step makes one; an image's layers stay what they are."""
    if len(snapshot) == 1 or all(layer.startswith(("b", "i")) for layer in snapshot):
        return snapshot
    return (step.machine.store.layers.squash(snapshot, below=()),)


def _renamed(step: Step, op: ops.Renamed) -> Snapshot:
    with (
        step.views.reading(step.inputs[0]) as view,
        Root(view) as tree,
        step.views.writing(()) as writing,
        Root(writing.root) as root,
    ):
        source = real_path(tree, op.source)
        if source.is_dir():
            raise EngineError(f"path {op.source} is a directory, not a file")
        Copier(root, Attributes()).file(source, f"/{op.name}")
    return writing.result
