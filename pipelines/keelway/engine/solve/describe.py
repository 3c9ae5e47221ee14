"""What progress and the cache call an operation."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from keelway.engine.graph import copies, images, ops, sources

if TYPE_CHECKING:
    from keelway.engine.graph.ops import Op

_LONGEST = 120


def name_of(op: Op) -> str:
    """Return a short name that a person recognises; never a file's contents or a secret."""
    name = _name(op).replace("\n", " ")
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _name(op: Op) -> str:  # noqa: C901, PLR0911, PLR0912 - one line an operation
    match op:
        case ops.Exec():
            return op.name or f"exec {shlex.join(op.args)}"
        case ops.Service():
            return f"service {shlex.join(op.exec.args)}"
        case sources.HostTree() | sources.HostFile():
            return f"host {op.path}"
        case sources.GitTree():
            return f"git {op.source.address or 'checkout'} {op.commit[:12]}"
        case sources.WebFile():
            return f"http file {op.name}"
        case images.ImageRoot():
            return f"image {op.layers[-1][:19] if op.layers else 'without layers'}"
        case ops.CopyTree() | ops.CopyFile():
            return f"copy {op.source} to {op.dest}"
        case copies.DockerCopy():
            return op.where or f"copy {' '.join(op.sources)} to {op.dest}"
        case ops.NewFile() | ops.NewDirectory() | ops.Symlink():
            return f"make {op.path}"
        case ops.Remove():
            return f"remove {' '.join(op.paths)}"
        case ops.Chown() | ops.Timestamps() | ops.Subtree():
            return f"{type(op).__name__.lower()} {op.path}"
        case images.Tarball():
            return f"tarball for {', '.join(image.platform for image in op.images)}"
        case _:
            return type(op).__name__.lower()
