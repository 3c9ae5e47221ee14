"""Who `user[:group]` is, by the passwd and group files of the tree it is asked in.

`lookup(root, "app")` is `User(uid=1000, gid=1000, groups=(27,), home="/home/app")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelway.engine.errors import EngineError
from keelway.engine.ids import demand_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.engine.run.inroot import Root

_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An identity inside a container; `groups` are the supplementary ones."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"

    @property
    def all_groups(self) -> list[int]:
        """Return the groups that a process is given: the primary one is among them.

        Else a file that denies its group something could be read by leaving that group.
        """
        return [self.gid, *(group for group in self.groups if group != self.gid)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def lookup(root: Root, text: str, *, fallback_gid: Literal["primary", "same"] = "primary") -> User:
    """Return the user of `name`, `uid`, `name:group` or `uid:gid`; an empty text is root.

    Without a group the gid is the user's own by passwd ("primary", what a process runs with; 0
    for an id that has no entry) or the number of the uid ("same", what an owner of files gets).

    Raises:
        EngineError: The tree knows no such user or group, or there is no such id here.
    """
    name, separator, group = text.partition(":")
    entry = _user(root, name or "0")
    groups: tuple[int, ...] = ()
    if separator and group:
        gid = _group_id(root, group)
    else:
        gid = entry.gid if fallback_gid == "primary" else entry.uid
        groups = tuple(found.gid for found in _groups(root) if entry.name in found.members)
    demand_ids(entry.uid, gid, groups)
    return User(uid=entry.uid, gid=gid, groups=groups, home=entry.home)


def is_numeric(owner: str) -> bool:
    """Tell whether an owner is ids alone, so that no tree need be asked who that is."""
    return all(_number(part) is not None for part in owner.split(":", 1)) or not owner


def _user(root: Root, wanted: str) -> _Entry:
    number = _number(wanted)
    for entry in _passwd(root):
        if entry.name == wanted or (number is not None and entry.uid == number):
            return entry
    if number is not None:
        return _Entry(name="", uid=number, gid=0, home="/")
    if wanted == "root":  # an image without a passwd file still has a root
        return _Entry(name="root", uid=0, gid=0, home="/root")
    raise EngineError(f"no such user: {wanted}")


def _group_id(root: Root, wanted: str) -> int:
    number = _number(wanted)
    if number is not None:
        return number
    for group in _groups(root):
        if group.name == wanted:
            return group.gid
    if wanted == "root":
        return 0
    raise EngineError(f"no such group: {wanted}")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _passwd(root: Root) -> Iterator[_Entry]:
    for fields in _rows(root, "/etc/passwd", _PASSWD_FIELDS):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            yield _Entry(name=fields[0], uid=uid, gid=gid, home=fields[5] or "/")


def _groups(root: Root) -> Iterator[_Group]:
    for fields in _rows(root, "/etc/group", _GROUP_FIELDS):
        gid = _number(fields[2])
        if gid is not None:
            members = tuple(member for member in fields[3].split(",") if member)
            yield _Group(name=fields[0], gid=gid, members=members)


def _rows(root: Root, path: str, width: int) -> Iterator[list[str]]:
    try:
        text = root.read_file(path).decode(errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        fields = line.strip().split(":")
        if not line.startswith("#") and len(fields) >= width:
            yield fields
