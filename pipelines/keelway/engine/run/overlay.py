"""Merged views of layers: overlay mounts, and the binds and tmpfs that go with them.

Layers are named to the kernel as `/proc/self/fd/N`: short whatever their path is, free of
escaping (`:` and `,` in a path), valid for every thread, and understood by every kernel that has
`userxattr`. The option string of mount(2) ends at one page, about 200 such names; of a deeper stack
the lower half is merged first and is then one layer of the view, which the kernel allows once.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

OPTION_BYTES: Final = 3900
"""What fits into the one page that mount(2) reads, less room for the fixed options."""

_ROOM_FOR_UPPER: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Mounts made at one target, the last one on top; leaving the context takes them away."""

    target: Path
    count: int = 1

    def close(self) -> None:
        """Unmount; what is still in use goes as soon as its last user does."""
        for _ in range(self.count):
            unmount(self.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def mount_overlay(
    lowers: Sequence[Path],
    *,
    upper: Path | None,
    work: Path | None,
    target: Path,
) -> Mount:
    """Mount layers, the topmost LAST, at the target; writable when there is an upper.

    No lower and no upper is an empty read-only directory, one lower alone a read-only bind, an
    upper alone a bind of it. The upper must not be in use elsewhere: the kernel does not check.

    Raises:
        OSError: The kernel refused; the file name is the target, or the layer that is missing.
        EngineError: There are more layers than can be mounted (about 400).
    """
    lowers = _without_repeats(lowers)
    if upper is None and not lowers:
        return tmpfs(target, mode=0o755, readonly=True)
    if upper is None and len(lowers) == 1:
        return bind(lowers[0], target, readonly=True)
    if upper is not None and not lowers:
        return bind(upper, target)
    if upper is not None and work is None:
        raise ValueError("an overlay with an upper needs a work directory")
    with contextlib.ExitStack() as opened:
        names = [_name(path, opened) for path in reversed(lowers)]
        return _mount_names(names, _upper_options(upper, work, opened), target)


def bind(source: Path, target: Path, *, readonly: bool = False, recursive: bool = False) -> Mount:
    """Bind a directory or file over the target (which must exist and be of the same kind)."""
    kernel.mount(source, target, None, kernel.MS_BIND | (kernel.MS_REC if recursive else 0))
    mounted = Mount(target=target)
    if readonly:
        try:
            kernel.set_readonly(target, recursive=recursive)
        except OSError:
            mounted.close()
            raise
    return mounted


def tmpfs(
    target: Path, *, size_bytes: int | None = None, mode: int = 0o755, readonly: bool = False
) -> Mount:
    """Mount an empty tmpfs, limited to a size when one is given."""
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | (kernel.MS_RDONLY if readonly else 0)
    kernel.mount("tmpfs", target, "tmpfs", flags, options)
    return Mount(target=target)


def unmount(target: Path) -> None:
    """Unmount the topmost mount; a busy one is detached, a missing one is nothing to do."""
    try:
        kernel.umount(target, kernel.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.EBUSY:
            kernel.umount(target, kernel.UMOUNT_NOFOLLOW | kernel.MNT_DETACH)
        elif error.errno not in (errno.EINVAL, errno.ENOENT):
            raise


def _without_repeats(lowers: Sequence[Path]) -> list[Path]:
    """Drop the lower ones of equal layers, which the kernel refuses and the topmost one hides."""
    return list(reversed(dict.fromkeys(reversed(lowers))))


def _name(path: Path, opened: contextlib.ExitStack) -> str:
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return f"/proc/self/fd/{descriptor}"


def _upper_options(upper: Path | None, work: Path | None, opened: contextlib.ExitStack) -> str:
    if upper is None or work is None:
        return ""
    # Volatile: an upper becomes a layer only after the command ended well, so fsync buys nothing.
    return f",upperdir={_name(upper, opened)},workdir={_name(work, opened)},volatile"


def _mount_names(names: Sequence[str], options: str, target: Path) -> Mount:
    """Mount names, the topmost first; those that are too many for one mount are merged before."""
    fits = _fits(names)
    if len(names) <= fits:
        _overlay(names, options, target)
        return Mount(target=target)
    # Only at the bottom: what a layer deletes would come back from below a merged view of it.
    top, bottom = names[: fits - 1], names[fits - 1 :]
    if len(bottom) > fits:
        raise EngineError(
            f"{len(names)} layers are more than the {2 * fits - 1} that can be mounted; "
            "squash some of them"
        )
    if len(bottom) == 1:
        bottom = [top[-1], *bottom]
        top = top[:-1]
    _overlay(bottom, "", target)
    try:
        with contextlib.ExitStack() as opened:
            _overlay([*top, _name(target, opened)], options, target)
    except OSError:
        unmount(target)
        raise
    return Mount(target=target, count=2)


def _overlay(names: Sequence[str], options: str, target: Path) -> None:
    data = "userxattr,lowerdir=" + ":".join(names) + options
    kernel.mount("keelway", target, "overlay", 0, data)


def _fits(names: Sequence[str]) -> int:
    """Return how many names of this width the options of one mount hold."""
    width = max(len(name) for name in names) + 1
    return (OPTION_BYTES - _ROOM_FOR_UPPER) // width
