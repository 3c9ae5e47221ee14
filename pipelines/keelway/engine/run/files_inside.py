"""Files of a running command, read and written where it sees them, as its user.

Run by path (`python -I -S files_inside.py NAMESPACE ROOT UID GID GROUPS JOB ...`), so that only
this process enters the command's mounts; trees come and go by standard streams as tar archives.
From then on nothing is imported: what the command has put there would be run. The engine imports
`pack` and `unpack`, for the other ends of the streams.

Jobs: `read PATH KIND`, `write PATH WIPE` (a folder's contents), `put PATH MODE INTO` (one file),
`find NAME PATH` (upwards). An error is one line on standard error, and exit code 1.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
import tarfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CLONE_NEWNS = 0x00020000
_NOT_FILES = frozenset({"/proc", "/sys", "/dev"})
_OURS_ALONE = 0o700

# --- archives --------------------------------------------------------------------------------


def pack(stream: IO[bytes], path: Path, *, name: str = "") -> None:
    """Write a file, or what is in a folder, as an archive; owners and special files are left out.

    A file gets `name` in it, or its own.

    Raises:
        OSError: Something cannot be read.
    """
    real = path.resolve(strict=True)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        if not real.is_dir():
            tar.add(real, name or path.name, filter=_plain)
            return
        for entry in sorted(real.iterdir()):
            if str(entry) not in _NOT_FILES:
                tar.add(entry, entry.name, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    is_plain = member.isfile() or member.isdir() or member.issym() or member.islnk()
    return member if is_plain else None


def unpack(stream: IO[bytes], top: Path) -> None:
    """Put the members of an archive into a folder, in the place of what is there.

    Folders that are there are merged with. A member is only ever put into a folder that the
    archive has named before.

    Raises:
        OSError: A member cannot be written, or has no such folder.
    """
    folders, files = {""}, set[str]()
    dated: list[tuple[Path, tarfile.TarInfo]] = []
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            parent, slash, name = member.name.rpartition("/")
            inside = parent in folders and bool(parent or not slash)
            linked = member.islnk() and member.linkname not in files
            if not inside or name in {"", ".", ".."} or linked:
                raise OSError(errno.EINVAL, "not in a folder of the archive", member.name)
            target = top / member.name
            _make_way(target, folder=member.isdir())
            folders.discard(member.name)
            files.discard(member.name)
            if member.isdir():
                folders.add(member.name)
                target.mkdir(_OURS_ALONE, exist_ok=True)
                dated.append((target, member))
            else:
                files.add(member.name)
                _place(tar, member, target, top)
    for target, member in reversed(dated):
        target.chmod(member.mode)
        os.utime(target, (member.mtime, member.mtime))


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, top: Path) -> None:
    """Write what is no folder."""
    if member.islnk():
        os.link(top / member.linkname, target, follow_symlinks=False)
    elif member.issym():
        target.symlink_to(member.linkname)
        os.utime(target, (member.mtime, member.mtime), follow_symlinks=False)
    elif (source := tar.extractfile(member)) is not None:
        with target.open("xb") as file:
            shutil.copyfileobj(source, file)
        target.chmod(member.mode)
        os.utime(target, (member.mtime, member.mtime))


def _make_way(target: Path, *, folder: bool) -> None:
    """Remove what is at a path, unless it is a folder that is wanted."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        target.unlink()
    elif not folder:
        shutil.rmtree(target)


# --- jobs ------------------------------------------------------------------------------------


def read(path: str, kind: str) -> None:
    """Write an archive of a file or folder, whichever `kind` says, to standard output."""
    place = Path(path)
    found = "directory" if place.resolve(strict=True).is_dir() else "file"
    if found != kind:
        sys.exit(f"path {path} is a {found}, not a {kind}")
    pack(sys.stdout.buffer, place)


def write(path: str, wipe: str, stream: IO[bytes] | None = None) -> None:
    """Put an archive, from standard input or a stream, into a folder; it is made when missing."""
    folder = Path(path)
    make_folders(folder)
    for entry in list(folder.iterdir()) if wipe else ():
        _make_way(entry, folder=False)
    unpack(stream or sys.stdin.buffer, folder)


def put(path: str, mode: str, into: str) -> None:
    """Write the one file of the archive on standard input; a file that is there keeps its mode.

    `mode` is octal, empty for the file's own; `into` allows a folder, which takes the file in.
    """
    target = Path(path)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        member = tar.next()
        source = None if member is None else tar.extractfile(member)
        if member is None or source is None:
            raise OSError(errno.EINVAL, "the archive has no file", path)
        if target.is_dir():
            if not into:
                sys.exit(
                    f'destination "{path}" is a directory; '
                    "must be a file path unless allowParentDirPath is set"
                )
            target /= member.name
        make_folders(target.parent)
        new = not target.exists()
        with target.open("wb") as file:
            shutil.copyfileobj(source, file)
        if new:
            target.chmod(int(mode, 8) if mode else member.mode)


def find(name: str, path: str) -> None:
    """Print how many folders up from a path there is something of that name, if there is."""
    folder = Path(path)
    for up, place in enumerate((folder, *folder.parents)):
        if os.path.lexists(place / name):
            sys.stdout.write(str(up))
            return


def make_folders(path: Path) -> None:
    """Make a folder and those above it, for their owner alone."""
    if not path.is_dir():
        make_folders(path.parent)
        path.mkdir(_OURS_ALONE)


JOBS: dict[str, Callable[..., None]] = {"read": read, "write": write, "put": put, "find": find}


def enter(namespace: str, root: str, uid: int, gid: int, groups: list[int]) -> None:
    """Move this process to where a command sees its files, and become its user."""
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if namespace:
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNS) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        os.close(descriptor)
    sys.path.clear()
    sys.meta_path.clear()
    os.fchdir(folder)
    os.chroot(".")
    os.close(folder)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(0)


if __name__ == "__main__":
    place, top, user, group, others, job, *arguments = sys.argv[1:]
    try:
        enter(place, top, int(user), int(group), [int(one) for one in others.split(",") if one])
        JOBS[job](*arguments)
    except OSError as error:
        shown = f"{error.filename}: " if isinstance(error.filename, str) else ""
        sys.exit(f"{shown}{(error.strerror or str(error)).lower()}")
    except tarfile.TarError as error:
        sys.exit(str(error))
