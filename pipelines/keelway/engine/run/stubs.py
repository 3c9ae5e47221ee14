"""What a runtime makes so that it has something to mount on, and how it is taken away again.

An image without `/etc/hosts` gets an empty one before the real one is mounted over it, and the
layer of an exec of `true` must be empty nevertheless.

    stubs = find_stubs(root, targets)      # before, in the merged view
    ...                                    # the exec
    clean_upper(upper, stubs)              # after the view is unmounted
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from keelway.engine.run.inroot import Root

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_ROOT = PurePosixPath("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A directory that was there before and gets an entry: what its state was."""

    path: PurePosixPath
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubs:
    """What does not exist in one tree before an exec, deepest first, and the directories above."""

    missing: tuple[PurePosixPath, ...] = ()
    touched: tuple[Touched, ...] = ()


def find_stubs(root: Root, targets: Iterable[str]) -> Stubs:
    """Return what a runtime must make in the tree to mount something at each target."""
    missing: set[PurePosixPath] = set()
    touched: dict[PurePosixPath, Touched] = {}
    for target in targets:
        if root.exists(target):
            continue
        path = root.resolve(target)
        while path != _ROOT and not root.exists(str(path)):
            missing.add(path)
            path = path.parent
        touched.update({one.path: one for one in touched_above(root, path / "entry")})
    return Stubs(
        missing=tuple(sorted(missing, key=_depth, reverse=True)),
        touched=tuple(sorted(touched.values(), key=lambda one: _depth(one.path), reverse=True)),
    )


def touched_above(root: Root, path: PurePosixPath) -> tuple[Touched, ...]:
    """Return the directories above a path, innermost first, that a change there will copy up."""
    return tuple(_state(root, parent) for parent in path.parents if parent != _ROOT)


def clean_upper(upper: Path, stubs: Stubs) -> None:
    """Remove from an unmounted upper what was made for mounts only.

    A stub that the command filled (a file of some bytes, a directory with entries) stays, and so
    does a directory whose mode or owner it changed.
    """
    if not stubs.missing:
        return
    with Root(upper) as root:
        for path in stubs.missing:
            _remove(root, path)
        for one in stubs.touched:
            if _is_copy(root, one):
                _remove(root, one.path)


def _depth(path: PurePosixPath) -> tuple[int, str]:
    return len(path.parts), str(path)


def _state(root: Root, path: PurePosixPath) -> Touched:
    state = root.lstat(str(path))
    return Touched(path=path, mode=state.st_mode, uid=state.st_uid, gid=state.st_gid)


def _is_copy(root: Root, one: Touched) -> bool:
    """Tell whether the upper's directory says nothing that the layers below do not say."""
    try:
        state = root.lstat(str(one.path))
        descriptor = root.open(str(one.path), os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        # A directory that was removed and made anew hides what is below: that is a change.
        replaced = "user.overlay.opaque" in os.listxattr(descriptor)
    finally:
        os.close(descriptor)
    return not replaced and (state.st_mode, state.st_uid, state.st_gid) == (
        one.mode,
        one.uid,
        one.gid,
    )


def _remove(root: Root, path: PurePosixPath) -> None:
    """Remove an empty file or an empty directory; anything else stays."""
    with contextlib.suppress(OSError), root.parent(str(path)) as (directory, name):
        state = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            os.rmdir(name, dir_fd=directory)
        elif stat.S_ISREG(state.st_mode) and state.st_size == 0:
            os.unlink(name, dir_fd=directory)
