"""Layers as tar streams: sorted, complete, and the same bytes for the same tree.

Whiteouts become `.wh.<name>`, opaque directories get `.wh..wh..opq`, files with several names
become hard links, capabilities and other attributes go into PAX records. Owners are numbers only.
Times are whole seconds. With an epoch none is later, and those that are no function of what the
image is made from are the epoch itself: when a file was made here, or had been changed on the
host. They are told apart by their fraction of a second. What is made here has one, since the clock
does; what archives, packages, commits and servers say is whole seconds; host files without one get
one (`machine_time`), and copies keep it. So neither the hour of a build, nor a store that has
steps of an earlier day, nor a fresh checkout makes another layer.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH115, PTH119

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.store.whiteout import is_whiteout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OPAQUE = "user.overlay.opaque"
OVERLAY = ("user.overlay.", "trusted.overlay.")
_ZEROS = bytes(512)
_END = bytes(1024)
_OCTAL_7 = 0o7777777
_OCTAL_11 = 0o77777777777
_NAME = 100
_PLAIN_MODE = 0o755
_PREFIX = 155
_CHUNK = 1 << 20
_SECOND_NS = 10**9
_NO_XATTRS = frozenset({"security.selinux"})


class TarWriter:
    """Writes the entries of a tar stream to a function."""

    def __init__(
        self, sink: Callable[[bytes], object], *, epoch: int | None, exact: bool = False
    ) -> None:
        """Write to this function; clamp times to this number of seconds since 1970.

        With `exact`, fractions of seconds are kept, in PAX records: another store can tell then
        what was made on a machine, as this one can.
        """
        self._sink = sink
        self._epoch = epoch
        self._exact = exact
        self._links: dict[tuple[int, int], bytes] = {}

    def layer(self, root: Path) -> None:
        """Write a layer's directory, and the end of the stream."""
        top = os.fsencode(root)
        found = os.lstat(top)
        plain = stat.S_IMODE(found.st_mode) == _PLAIN_MODE and not found.st_uid and not found.st_gid
        if not plain:
            self._sink(self._header(b"./", found, b"5", records=_attributes(top)))
        self._directory(top, b"")
        self._sink(_END)

    def file(self, name: str, size: int, content: Iterator[bytes], *, mode: int = 0o644) -> None:
        """Write a file that is no file of a layer: owned by root, dated 1970."""
        self._sink(_ustar(os.fsencode(name), mode, size=size))
        written = 0
        for chunk in content:
            self._sink(chunk)
            written += len(chunk)
        if written != size:
            raise EngineError(f"{name} has {written} bytes, not {size}: it changed meanwhile")
        self._sink(_ZEROS[: -size % 512])

    def directory(self, name: str) -> None:
        """Write a directory that is none of a layer."""
        self._sink(_ustar(os.fsencode(name) + b"/", 0o755, kind=b"5"))

    def end(self) -> None:
        """Write the end of the stream."""
        self._sink(_END)

    def _directory(self, path: bytes, inside: bytes) -> None:
        with os.scandir(path) as found:
            entries = sorted(found, key=_name)
        if is_opaque(path):
            self._sink(_ustar(inside + b".wh..wh..opq", 0o600))
        for entry in entries:
            self._entry(entry.path, inside + entry.name, entry.stat(follow_symlinks=False))

    def _entry(self, path: bytes, name: bytes, found: os.stat_result) -> None:
        mode = found.st_mode
        if stat.S_ISREG(mode):
            self._regular(path, name, found)
        elif stat.S_ISDIR(mode):
            self._sink(self._header(name + b"/", found, b"5", records=_attributes(path)))
            self._directory(path, name + b"/")
        elif is_whiteout(found):
            folder, _, last = name.rpartition(b"/")
            hidden = b".wh." + last
            self._sink(_ustar(folder + b"/" + hidden if folder else hidden, 0o600))
        elif not stat.S_ISSOCK(mode) and not self._linked(name, found):
            self._special(path, name, found)

    def _special(self, path: bytes, name: bytes, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(path)
            self._sink(self._header(name, found, b"2", link=target, records=_attributes(path)))
            return
        kind = b"6"
        if not stat.S_ISFIFO(found.st_mode):
            kind = b"3" if stat.S_ISCHR(found.st_mode) else b"4"
        self._sink(self._header(name, found, kind, records=_attributes(path)))

    def _linked(self, name: bytes, found: os.stat_result) -> bool:
        """Write a hard link if the same file had another name before."""
        if found.st_nlink == 1:
            return False
        first = self._links.setdefault((found.st_dev, found.st_ino), name)
        if first is name:
            return False
        self._sink(self._header(name, found, b"1", link=first))
        return True

    def _regular(self, path: bytes, name: bytes, found: os.stat_result) -> None:
        if self._linked(name, found):
            return
        size = found.st_size
        records = _attributes(path)
        header = self._header(name, found, b"0", size=size, records=records)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, min(size, _CHUNK))
            self._sink(header + data + (_ZEROS[: -size % 512] if len(data) == size else b""))
            left = size - len(data)
            while left:
                data = os.read(descriptor, min(left, _CHUNK))
                if not data:
                    raise EngineError(f"{os.fsdecode(name)} shrank while it was read")
                self._sink(data)
                left -= len(data)
                if not left:
                    self._sink(_ZEROS[: -size % 512])
        finally:
            os.close(descriptor)

    def _header(
        self,
        name: bytes,
        found: os.stat_result,
        kind: bytes,
        *,
        link: bytes = b"",
        size: int = 0,
        records: list[tuple[bytes, bytes]] | None = None,
    ) -> bytes:
        seconds, fraction = divmod(found.st_mtime_ns, _SECOND_NS)
        if self._epoch is not None and (fraction or seconds > self._epoch):
            seconds = self._epoch
        elif self._exact and fraction:
            records = [*(records or ()), (b"mtime", b"%d.%09d" % (seconds, fraction))]
        device = found.st_rdev if kind in b"34" else 0
        return _ustar(
            name,
            stat.S_IMODE(found.st_mode),
            owner=(found.st_uid, found.st_gid),
            kind=kind,
            size=size,
            seconds=seconds,
            link=link,
            device=device,
            records=records or [],
        )


def machine_time(mtime_ns: int) -> int:
    """Return a time of the host so that it is known as one: never of whole seconds."""
    return mtime_ns if mtime_ns % _SECOND_NS else mtime_ns + 1


def is_opaque(path: bytes | str) -> bool:
    """Say whether a directory hides all that lies below it in other layers."""
    try:
        return os.getxattr(path, OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def attributes(path: bytes | str) -> list[tuple[str, bytes]]:
    """Return the extended attributes of a file but for overlayfs's own, sorted."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return []
    kept = [
        name for name in sorted(names) if not name.startswith(OVERLAY) and name not in _NO_XATTRS
    ]
    return [(name, os.getxattr(path, name, follow_symlinks=False)) for name in kept]


def _attributes(path: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"SCHILY.xattr." + os.fsencode(name), value) for name, value in attributes(path)]


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def _ustar(  # noqa: PLR0913 - the fields of a tar header
    name: bytes,
    mode: int,
    *,
    owner: tuple[int, int] = (0, 0),
    kind: bytes = b"0",
    size: int = 0,
    seconds: int = 0,
    link: bytes = b"",
    device: int = 0,
    records: list[tuple[bytes, bytes]] | None = None,
) -> bytes:
    """Return one header, with a PAX header before it for what the old format can't say."""
    extra = list(records or [])
    prefix, short = _split(name)
    if short is None or not name.isascii():
        extra.append((b"path", name))
        prefix, short = b"", _plain(name)
    if len(link) > _NAME or not link.isascii():
        extra.append((b"linkpath", link))
        link = _plain(link)
    uid, gid = owner
    numbers = (
        (b"uid", uid, _OCTAL_7),
        (b"gid", gid, _OCTAL_7),
        (b"size", size, _OCTAL_11),
        (b"mtime", seconds, _OCTAL_11),
    )
    extra.extend((key, b"%d" % value) for key, value, top in numbers if not 0 <= value <= top)
    before = b""
    if extra:
        body = b"".join(_record(key, value) for key, value in sorted(extra))
        before = _block(
            _plain(b"PaxHeaders.0/" + os.path.basename(name.rstrip(b"/"))),
            0o644,
            (0, 0),
            kind=b"x",
            size=len(body),
            seconds=0,
            link=b"",
            device=0,
            prefix=b"",
        )
        before += body + _ZEROS[: -len(body) % 512]
    fits = [value if 0 <= value <= top else 0 for _, value, top in numbers]
    return before + _block(
        short,
        mode,
        (fits[0], fits[1]),
        kind=kind,
        size=fits[2],
        seconds=fits[3],
        link=link,
        device=device,
        prefix=prefix,
    )


def _block(  # noqa: PLR0913 - the fields of a tar header
    name: bytes,
    mode: int,
    owner: tuple[int, int],
    *,
    kind: bytes,
    size: int,
    seconds: int,
    link: bytes,
    device: int,
    prefix: bytes,
) -> bytes:
    start = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name.ljust(_NAME, b"\0"),
        mode,
        owner[0],
        owner[1],
        size,
        seconds,
    )
    end = b"%b%b%b%07o\0%07o\0%b%b" % (
        kind,
        link.ljust(100, b"\0"),
        b"ustar\x0000".ljust(72, b"\0"),
        os.major(device),
        os.minor(device),
        prefix.ljust(155, b"\0"),
        bytes(12),
    )
    checksum = sum(start) + sum(end) + 8 * 32
    return b"%b%06o\0 %b" % (start, checksum, end)


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """Cut a long name at a slash so that both parts fit; None when there is no such place."""
    if len(name) <= _NAME:
        return b"", name
    cut = name.rfind(b"/", 0, _PREFIX + 1)
    while cut > 0 and cut == len(name) - 1:
        cut = name.rfind(b"/", 0, cut)
    if cut <= 0 or len(name) - cut - 1 > _NAME:
        return b"", None
    return name[:cut], name[cut + 1 :]


def _plain(name: bytes) -> bytes:
    return bytes(byte if byte < 128 else 0x3F for byte in name[:_NAME])  # noqa: PLR2004 - ASCII


def _record(key: bytes, value: bytes) -> bytes:
    """Return `<length> key=value` and a newline, where the length counts itself."""
    body = b" %b=%b\n" % (key, value)
    length = len(body) + len(str(len(body)))
    if length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return b"%d%b" % (length, body)
