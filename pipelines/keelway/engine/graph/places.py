"""Where a path of a container lies: in its root file system, or in something mounted over it.

What lies in a cache or a tmpfs no tree holds; asking for it is an error that shows on evaluation.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.graph.container import Container, Mount, is_within, without_mount
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import Failure
from keelway.engine.graph.values import Directory, File

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.graph.ops import Op

_KINDS = {"temp": "tmpfs", "cache": "cache"}
"""What is mounted without a tree, by what errors call it."""


def mount_at(container: Container, path: str) -> Mount | None:
    """Return the mount that `path` lies in: the newest, since later ones cover earlier ones."""
    for mount in reversed(container.mounts):
        if is_within(path, mount.target):
            return mount
    return None


def uncovered(container: Container, path: str, *, file: bool = False) -> Container:
    """Return the container without what is mounted exactly at `path`, or just without a `file`.

    What is put at a mount point, or removed from there, is meant for what lies below the mount.
    """
    while (mount := mount_at(container, path)) is not None:
        if mount.target != path or mount.kind not in ({"file"} if file else {"file", "directory"}):
            break
        container = without_mount(container, path)
    return container


def changed(
    container: Container, path: str, make: Callable[[str, int], Op], *sources: Node
) -> Container:
    """Return the container after an operation on the tree that holds `path`.

    `make` gets the path in that tree and the number of the input whose passwd file names owners;
    the operation's inputs are the tree, then `sources`, then for a mount the root file system.
    """
    mount = mount_at(container, path)
    if mount is None:
        return replace(container, root=Node.of(make(path, 0), container.tree, *sources))
    if mount.node is None or mount.kind in _KINDS:
        return replace(container, error=container.error or _nowhere(mount, path))
    op = make(_inside(mount, path), len(sources) + 1)
    node = Node.of(op, mount.node, *sources, container.tree)
    new = tuple(replace(m, node=node) if m is mount else m for m in container.mounts)
    return replace(container, mounts=new)


def directory_of(container: Container, path: str, asked: str = "") -> Directory:
    """Return a directory of the container; whether it is there shows on evaluation."""
    node, inner = _locate(container, path)
    return Directory(node=node, path=inner, asked=asked)


def file_of(container: Container, path: str, asked: str = "") -> File:
    """Return a file of the container; whether it is there shows on evaluation."""
    node, inner = _locate(container, path)
    return File(node=node, path=inner, asked=asked)


def _locate(container: Container, path: str) -> tuple[Node, str]:
    """Return the tree that holds the absolute `path`, and the path in it."""
    mount = mount_at(container, path)
    if mount is None:
        return container.tree, path
    if mount.node is None or mount.kind in _KINDS:
        return Node.of(Failure(message=_nowhere(mount, path))), path
    return mount.node, _inside(mount, path)


def _inside(mount: Mount, path: str) -> str:
    """Return where `path` of the container lies in the mount's own tree."""
    rest = path[len(mount.target) :].strip("/") if mount.target != "/" else path.strip("/")
    return posixpath.join(mount.path, rest) if rest else mount.path


def _nowhere(mount: Mount, path: str) -> str:
    return f"{path}: cannot retrieve path from {_KINDS.get(mount.kind, mount.kind)}"
