"""Whom a service runs as, in numbers: the owner of its secrets.

Example:
    >>> parse_owner("app", "app:x:1000:1001:app:/:/bin/sh", "")
    Owner(uid=1000, gid=1001)
    >>> parse_owner("7:staff", "", "staff:x:50:")
    Owner(uid=7, gid=50)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.deploy.container_engine import ContainerEngine

PASSWD = "/etc/passwd"  # noqa: S105 - a file's name
GROUP = "/etc/group"
_PASSWD_NAME, _PASSWD_UID, _PASSWD_GID = 0, 2, 3
_GROUP_GID = 2


@dataclass(frozen=True, slots=True)
class Owner:
    """A user and a group, as the kernel knows them."""

    uid: int
    gid: int


async def as_owner(engine: ContainerEngine) -> tuple[str, ...]:
    """Return what goes before a command that gives files to users of containers.

    Root needs nothing. Others need `sudo`; with Podman they are root in a namespace of their own,
    where users have the numbers that they have in containers.
    """
    if (await engine.host.run(("id", "-u"))).text == "0":
        return ()
    return ("podman", "unshare") if engine.name == "podman" else ("sudo", "-n")


def needed_files(user: str) -> tuple[str, ...]:
    """Return the files of an image that are needed to know a user's numbers.

    >>> needed_files("app"), needed_files("1000"), needed_files("1000:staff")
    (('/etc/passwd',), (), ('/etc/group',))
    """
    name, _, group = (user or "0").partition(":")
    passwd = () if name.isdigit() else (PASSWD,)
    return passwd if not group or group.isdigit() else (*passwd, GROUP)


def parse_owner(user: str, passwd: str, group: str) -> Owner | None:
    """Return the numbers of a user as images and compose files write it; nothing when unknown.

    Args:
        user: `name`, `name:group`, numbers in their places, or empty for root.
        passwd: The image's `/etc/passwd`.
        group: The image's `/etc/group`.
    """
    name, _, group_name = (user or "0").partition(":")
    accounts = [row.split(":") for row in passwd.splitlines()]
    found = next((row for row in accounts if len(row) > _PASSWD_GID and _is(row, name)), None)
    if name.isdigit():
        uid = int(name)
    elif found is not None and found[_PASSWD_UID].isdigit():
        uid = int(found[_PASSWD_UID])
    else:
        return None
    if not group_name:
        own = found[_PASSWD_GID] if found is not None else "0"
        return Owner(uid, int(own) if own.isdigit() else 0)
    gid = _gid(group_name, group)
    return None if gid is None else Owner(uid, gid)


def _is(row: list[str], name: str) -> bool:
    return name in {row[_PASSWD_NAME], row[_PASSWD_UID]}


def _gid(name: str, group: str) -> int | None:
    if name.isdigit():
        return int(name)
    for row in (line.split(":") for line in group.splitlines()):
        if row[0] == name and len(row) > _GROUP_GID and row[_GROUP_GID].isdigit():
            return int(row[_GROUP_GID])
    return None
