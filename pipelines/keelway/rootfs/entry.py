"""One path of a root file system, with where its content is."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY_MODE = 0o755
FILE_MODE = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, a directory or a link."""

    path: str
    """Without a leading slash."""
    kind: bytes
    """A type of the tarfile module."""
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    """Where a link points to; for a hard link the path of the file."""
    content: bytes | None = None
    """What was generated here."""
    member: tarfile.TarInfo | None = None
    """Where the content is in the source archive."""
    attributes: Mapping[str, str] | None = None
    """PAX headers of extended attributes."""

    @property
    def size(self) -> int:
        """Return the size of the content in bytes."""
        if self.content is not None:
            return len(self.content)
        return self.member.size if self.member is not None else 0

    def at(self, mtime: int) -> Entry:
        """Return the entry with another time."""
        return replace(self, mtime=mtime)

    def header(self) -> tarfile.TarInfo:
        """Return the entry as the header of an archive."""
        info = tarfile.TarInfo(self.path)
        info.type, info.mode, info.uid, info.gid = self.kind, self.mode, self.uid, self.gid
        info.mtime, info.linkname, info.size = self.mtime, self.link, self.size
        info.pax_headers = dict(self.attributes or {})
        return info


def read_entries(archive: tarfile.TarFile) -> dict[str, Entry]:
    """Return all entries of an archive by path; devices and sockets are left out."""
    entries: dict[str, Entry] = {}
    for member in archive:
        path = member.name.removeprefix("./").strip("/")
        if path in {"", "."} or not (
            member.isreg() or member.isdir() or member.islnk() or member.issym()
        ):
            continue
        entries[path] = Entry(
            path=path,
            kind=tarfile.REGTYPE if member.isreg() else member.type,
            mode=member.mode,
            uid=member.uid,
            gid=member.gid,
            mtime=int(member.mtime),
            link=member.linkname.removeprefix("./") if member.islnk() else member.linkname,
            member=member if member.isreg() else None,
            attributes={
                key: value
                for key, value in member.pax_headers.items()
                if key.startswith("SCHILY.xattr.security.")
            },
        )
    return entries


def content_of(entry: Entry, archive: tarfile.TarFile) -> bytes:
    """Return the bytes of a file."""
    if entry.content is not None:
        return entry.content
    stream: IO[bytes] | None = (
        archive.extractfile(entry.member) if entry.member is not None else None
    )
    return b"" if stream is None else stream.read()


def file(path: str, content: bytes | str, mode: int = FILE_MODE) -> Entry:
    """Return a generated file of root's."""
    data = content.encode() if isinstance(content, str) else content
    return Entry(path=path, kind=tarfile.REGTYPE, mode=mode, content=data)


def directory(path: str, mode: int = DIRECTORY_MODE, owner: int = 0) -> Entry:
    """Return a generated directory."""
    return Entry(path=path, kind=tarfile.DIRTYPE, mode=mode, uid=owner, gid=owner)
