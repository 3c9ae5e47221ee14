"""One layer that is equal to a stack of layers: files are hard links, nothing is copied.

What the stack hides of layers below it stays hidden: whiteouts and opaque marks are kept where
there is something below. Where there is nothing, they must go: overlayfs shows a whiteout in a
directory that only one layer has as a name that can't be opened.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH101, PTH102, PTH108

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING

from keelway.engine.store.tar import OPAQUE, attributes, is_opaque
from keelway.engine.store.whiteout import is_whiteout, make_whiteout

if TYPE_CHECKING:
    from collections.abc import Sequence


def squash(layers: Sequence[bytes], target: bytes, *, below: Sequence[bytes] | None) -> None:
    """Write the stack `layers` (bottom first) into the empty directory `target`.

    `below` are the layers that the result will lie on, bottom first; None when they are unknown.
    """
    for layer in layers:
        _merge(layer, target)
    if below is not None:
        _prune(target, b"", below)


def link_tree(source: bytes, target: bytes) -> None:
    """Write a tree like `source` into the empty directory `target`; files are hard links."""
    _merge(source, target)


def _merge(source: bytes, target: bytes) -> None:
    """Put one layer's directory over what `target` has."""
    if is_opaque(source):
        _empty(target)
        os.setxattr(target, OPAQUE, b"y")
    with os.scandir(source) as entries:
        for entry in entries:
            path = target + b"/" + entry.name
            found = _lstat(path)
            if entry.is_dir(follow_symlinks=False):
                _directory(entry.path, path, found)
                continue
            if found is not None:
                _remove(path, found)
            link(entry.path, path)
    copy_attributes(source, target)


def _directory(source: bytes, path: bytes, found: os.stat_result | None) -> None:
    if found is None:
        os.mkdir(path, 0o700)
    elif not stat.S_ISDIR(found.st_mode):
        # Whatever was here hid a directory of the layers below, and still must.
        os.unlink(path)
        os.mkdir(path, 0o700)
        os.setxattr(path, OPAQUE, b"y")
    _merge(source, path)


def link(source: bytes, target: bytes) -> None:
    """Make a hard link, or a copy of a file that has as many as it can."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EMLINK, errno.EPERM, errno.EXDEV}:
            raise
        if is_whiteout(os.lstat(source)):
            make_whiteout(target)
            return
        shutil.copy2(source, target, follow_symlinks=False)
        found = os.lstat(source)
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(target, stat.S_IMODE(found.st_mode))


def copy_attributes(source: bytes, target: bytes) -> None:
    """Give a directory the owner, mode, attributes and times of another."""
    found = os.lstat(source)
    os.chown(target, found.st_uid, found.st_gid)
    os.chmod(target, stat.S_IMODE(found.st_mode))
    wanted = dict(attributes(source))
    for name, _ in attributes(target):
        if name not in wanted:
            os.removexattr(target, name)
    for name, value in wanted.items():
        os.setxattr(target, name, value)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _prune(target: bytes, inside: bytes, below: Sequence[bytes]) -> None:
    """Drop the marks in a directory that hide nothing of the layers below."""
    found = os.lstat(target)
    opaque = is_opaque(target)
    under = [] if not below else directories(below, inside)
    changed = False
    if opaque and not under:
        os.removexattr(target, OPAQUE)
    under = [] if opaque else under
    with os.scandir(target) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _prune(entry.path, inside + b"/" + entry.name, below if under else [])
            elif is_whiteout(entry.stat(follow_symlinks=False)) and not _exists(under, entry.name):
                os.unlink(entry.path)
                changed = True
    if changed:
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def directories(layers: Sequence[bytes], inside: bytes) -> list[bytes]:
    """Return the directories that overlayfs merges at a path, topmost first."""
    parts = [part for part in inside.split(b"/") if part]
    found: list[bytes] = []
    for layer in reversed(layers):
        path = layer
        hides = is_opaque(path)
        for part in parts:
            path = path + b"/" + part
            status = _lstat(path)
            if status is None:
                break
            if not stat.S_ISDIR(status.st_mode):
                return found
            hides = hides or is_opaque(path)
        else:
            found.append(path)
        if hides:
            return found
    return found


def _exists(merged: Sequence[bytes], name: bytes) -> bool:
    for folder in merged:
        found = _lstat(folder + b"/" + name)
        if found is not None:
            return not is_whiteout(found)
    return False


def _empty(path: bytes) -> None:
    with os.scandir(path) as entries:
        for entry in entries:
            _remove(entry.path, entry.stat(follow_symlinks=False))


def _remove(path: bytes, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
