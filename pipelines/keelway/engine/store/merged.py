"""A stack of layers as one plain directory, copied: for where nothing can be mounted.

    merge_into(layers, tree)        # bottom first; the tree is an empty directory

Files are copied, never linked: whoever writes to the tree must not reach a layer, and no mode
keeps root from writing. On file systems that share blocks between files (btrfs, xfs) a copy is one
call and takes no room.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH101, PTH102, PTH108, PTH115, PTH211

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from functools import partial
from typing import TYPE_CHECKING, Final

from keelway.engine.store.squash import copy_attributes, directories
from keelway.engine.store.tar import attributes, is_opaque
from keelway.engine.store.whiteout import is_whiteout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Links = dict[tuple[int, int], bytes]
"""Where a file with several names was copied to: device and inode -> path of the copy."""

_FICLONE: Final = 0x40049409
_SMALL: Final = 1 << 16
_PIECE: Final = 1 << 20
_NO_RANGE: Final = {errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


def merge_into(layers: Sequence[bytes], tree: bytes) -> None:
    """Copy a stack of layers, bottom first, into an empty directory.

    Raises:
        OSError: The disk is full, or a layer is missing.
    """
    for layer in layers:
        _put_over(layer, tree, {})


def find_in(layers: Sequence[bytes], inside: bytes) -> bytes | None:
    """Return the path of what a stack shows at `inside` (`/a/b`), None where that is nothing."""
    parent, _, name = inside.rpartition(b"/")
    for folder in directories(layers, parent):
        path = folder + b"/" + name
        with contextlib.suppress(FileNotFoundError):
            return None if is_whiteout(os.lstat(path)) else path
    return None


def copy_entry(source: bytes, target: bytes, found: os.stat_result, links: Links) -> None:
    """Copy a file, link or device to a path where nothing is; names of one file stay one file."""
    key = (found.st_dev, found.st_ino)
    if found.st_nlink > 1 and key in links:
        os.link(links[key], target, follow_symlinks=False)
        return
    if stat.S_ISREG(found.st_mode):
        _copy_file(source, target, found)
    elif stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), target)
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
    else:
        os.mknod(target, found.st_mode, found.st_rdev)
        os.chown(target, found.st_uid, found.st_gid)
        os.chmod(target, stat.S_IMODE(found.st_mode))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
    if found.st_nlink > 1:
        links[key] = target


def remove(path: bytes) -> None:
    """Remove whatever is at a path, if anything is."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        shutil.rmtree(path)


def _put_over(source: bytes, target: bytes, links: Links) -> None:
    """Copy one layer's directory over what the target has."""
    if is_opaque(source):
        with os.scandir(target) as entries:
            for entry in list(entries):
                remove(entry.path)
    with os.scandir(source) as entries:
        for entry in entries:
            path = target + b"/" + entry.name
            if entry.is_dir(follow_symlinks=False):
                _folder(entry.path, path, links)
                continue
            found = entry.stat(follow_symlinks=False)
            with contextlib.suppress(FileNotFoundError):
                os.lstat(path)
                remove(path)
            if not is_whiteout(found):
                copy_entry(entry.path, path, found, links)
    copy_attributes(source, target)


def _folder(source: bytes, path: bytes, links: Links) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            os.mkdir(path, 0o700)
    _put_over(source, path, links)


def _copy_file(source: bytes, target: bytes, found: os.stat_result) -> None:
    read = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _copy_bytes(read, write, found.st_size)
            os.fchown(write, found.st_uid, found.st_gid)
            os.fchmod(write, stat.S_IMODE(found.st_mode))
            for name, value in attributes(source):
                os.setxattr(write, name, value)
        finally:
            os.close(write)
    finally:
        os.close(read)


def _pass_on(read: int, write: int, most: int) -> int:
    return os.write(write, os.read(read, min(most, _PIECE)))


def _copy_bytes(read: int, write: int, size: int) -> None:
    """Copy a file's contents by the best means that the file system has."""
    if size <= _SMALL:
        data = os.read(read, _SMALL)
        if data:
            os.write(write, data)
        return
    with contextlib.suppress(OSError):
        fcntl.ioctl(write, _FICLONE, read)
        return
    copy: Callable[[int], int] = partial(os.copy_file_range, read, write)
    try:
        left = size - copy(size)
    except OSError as error:
        if error.errno not in _NO_RANGE:
            raise
        left, copy = size, partial(_pass_on, read, write)
    while left > 0 and (done := copy(left)):
        left -= done
