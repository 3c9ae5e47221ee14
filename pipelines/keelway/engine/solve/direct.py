"""New files put straight into a new layer: nothing is mounted where the path is plain.

It is when each folder on the way is a real one wherever a layer has that name, or is nowhere, and
the file itself is nowhere. Links, whiteouts, files in the way and names of owners need the mounted
tree; then there is no answer here.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH101, PTH102

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from keelway.engine.solve.views import dress_root
from keelway.engine.store.squash import copy_attributes
from keelway.engine.store.tar import is_opaque

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.engine.graph.ops import NewFile
    from keelway.engine.solve.result import Snapshot
    from keelway.engine.solve.step import Step

_LONGEST_NAME = 255
_NEW_FOLDER = 0o755


def new_file(step: Step, op: NewFile) -> Snapshot | None:
    """Return the first input with the file, or None where the tree must be mounted for it.

    Raises:
        OSError: It can't be written.
    """
    parts = [os.fsencode(part) for part in op.path.split("/") if part]
    if op.owner or not parts or any(_is_special(part) for part in parts):
        return None
    base = step.inputs[0]
    # Topmost first, as a name is looked for.
    layers = [os.fsencode(path) for path in reversed(step.views.lowers(base))]
    models = _models(layers, parts)
    if models is None:
        return None
    store = step.machine.store
    work = store.new_work("file")
    try:
        dress_root(layers[0] if layers else None, work)
        _write(os.fsencode(work), parts, models, op)
        return (*base, store.layers.commit(work))
    except BaseException:
        store.discard(work)
        raise


def _is_special(part: bytes) -> bool:
    return part in {b".", b".."} or len(part) > _LONGEST_NAME


def _models(layers: Sequence[bytes], parts: Sequence[bytes]) -> list[bytes] | None:
    """Return the folders on the way that are there already; None when the path is not plain."""
    models: list[bytes] = []
    merged = layers
    for part in parts[:-1]:
        below = _folders(merged, part)
        if below is None:
            return None
        if below:
            models.append(below[0])
        merged = below
    return None if any(_mode(folder + b"/" + parts[-1]) for folder in merged) else models


def _folders(merged: Sequence[bytes], part: bytes) -> list[bytes] | None:
    """Return the folders that are seen as one under a name; None if one is no folder."""
    found: list[bytes] = []
    for folder in merged:
        path = folder + b"/" + part
        mode = _mode(path)
        if not mode:
            continue
        if not stat.S_ISDIR(mode):
            return None
        found.append(path)
        if is_opaque(path):
            break
    return found


def _mode(path: bytes) -> int:
    """Return the mode with the type, or 0 when there is nothing."""
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return 0


def _write(layer: bytes, parts: Sequence[bytes], models: Sequence[bytes], op: NewFile) -> None:
    path = layer
    for number, part in enumerate(parts[:-1]):
        path = path + b"/" + part
        os.mkdir(path)
        if number < len(models):
            copy_attributes(models[number], path)
        else:
            os.chmod(path, _NEW_FOLDER)  # the umask does not count
    with open(path + b"/" + parts[-1], "xb") as file:  # noqa: PTH123 - bytes
        file.write(op.contents)
        os.fchmod(file.fileno(), op.mode)
    # The last of them has got something new; those above are as they were.
    path = layer
    for part, model in zip(parts, models[:-1], strict=False):
        path = path + b"/" + part
        found = os.lstat(model)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
