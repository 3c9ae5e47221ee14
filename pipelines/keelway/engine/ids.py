"""Which user and group ids there are: root has all, a user namespace those that are mapped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable

_UID_MAP: Final = Path("/proc/self/uid_map")
_GID_MAP: Final = Path("/proc/self/gid_map")


def demand_ids(uid: int, gid: int, groups: Iterable[int] = ()) -> None:
    """Do nothing when files may belong to these ids and commands may run as them.

    Raises:
        EngineError: One of them is not mapped; says what to do.
    """
    if uid:
        _demand("user", uid, _UID_MAP)
    for group in {gid, *groups} - {0}:
        _demand("group", group, _GID_MAP)


def is_mapped(number: int, text: str) -> bool:
    """Return whether an id is there, by the text of /proc/self/uid_map or gid_map."""
    return any(first <= number < end for first, end in _ranges(text))


def _demand(kind: str, number: int, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if is_mapped(number, text):
        return
    last = max(end for _, end in _ranges(text)) - 1
    raise EngineError(
        f"the {kind} id {number} is none of this engine's, which runs without root and has those "
        f"up to {last}. Give its user more in /etc/sub{kind[0]}id (usermod(8): "
        f"--add-sub{kind[0]}ids), or run it as root"
    )


def _ranges(text: str) -> list[tuple[int, int]]:
    lines = [line.split() for line in text.splitlines()]
    return [(int(first), int(first) + int(count)) for first, _, count in lines]
