"""How large the store may be: by default a part of the disk, else what `KEELWAY_ENGINE_GC` says.

    20GB                                          it may be this large
    10%                                           the same, as a part of the disk
    maxUsedSpace=50GB,minFreeSpace=10%            by the names that `Engine.localCache` has
    off                                           it grows until somebody prunes it

The names and their meaning are Dagger's and BuildKit's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError
from keelway.engine.sizes import parse_size, show_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLE = "KEELWAY_ENGINE_GC"
OFF = "off"
SPACES = {
    "maxUsedSpace": "max_used",
    "reservedSpace": "reserved",
    "minFreeSpace": "min_free",
    "targetSpace": "target",
}
"""What the API calls the fields of a policy."""
_LEAST_RESERVED = 10 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How much may stay, in bytes; nothing set means that all that is not in use goes."""

    max_used: int | None = None
    """The store may be this large."""
    min_free: int | None = None
    """This much of the disk should be free."""
    reserved: int = 0
    """This much may always stay."""
    target: int | None = None
    """Once something has to go, the store shrinks to this size."""
    unused_since: int | None = None
    """Only what was not used since then goes (nanoseconds since 1970)."""
    kinds: frozenset[str] = frozenset()
    """Only parts of these kinds go; empty for all."""

    def is_about(self, *, used: int, kind: str) -> bool:
        """Say whether a part of a kind, last used then, is one that may go by this policy."""
        is_old = self.unused_since is None or used < self.unused_since
        return is_old and (not self.kinds or kind in self.kinds)

    def __str__(self) -> str:
        """Return the policy in words, as `at most 60.0 GB, 10.0 GB of the disk free`."""
        parts: list[str] = []
        if self.max_used is not None:
            parts.append(f"at most {show_size(self.max_used)}")
        if self.min_free is not None:
            parts.append(f"{show_size(self.min_free)} of the disk free")
        if self.reserved:
            parts.append(f"{show_size(self.reserved)} may always stay")
        if self.target is not None:
            parts.append(f"shrinks to {show_size(self.target)}")
        return ", ".join(parts) or "nothing that is not in use"

    def room(self, root: Path, total: int) -> int:
        """Return how many bytes of a store that takes `total` may stay."""
        if self.max_used is None and self.min_free is None and self.target is None:
            return self.reserved
        allowed = total if self.max_used is None else self.max_used
        if self.min_free is not None:
            disk = os.statvfs(root)
            free = disk.f_frsize * disk.f_bavail
            allowed = min(allowed, total - max(0, self.min_free - free))
        if self.target is not None and (total > allowed or self.max_used is None):
            allowed = min(allowed, self.target)
        return max(allowed, self.reserved)


def default_policy(root: Path) -> Policy:
    """Return the budget that holds when nobody says another: a part of the disk."""
    total = disk_size(root)
    return Policy(
        max_used=total * 6 // 10,
        min_free=total // 10,
        reserved=min(total // 10, _LEAST_RESERVED),
        target=total // 2,
    )


def disk_size(root: Path) -> int:
    """Return the size of the disk that a directory is on, in bytes."""
    disk = os.statvfs(root)
    return disk.f_frsize * disk.f_blocks


def read_policy(text: str, *, disk: int) -> Policy | None:
    """Return the policy that a text means, None for the default one; `off` is not for here.

    Raises:
        EngineError: it means none; the message names the variable.
    """
    spaces: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, size = part.partition("=")
        spaces[name.strip() if equals else "maxUsedSpace"] = size if equals else part
    try:
        return with_spaces(Policy(), spaces, disk=disk) if spaces else None
    except EngineError as error:
        raise EngineError(
            f"{VARIABLE}={text!r} is no budget: {error}. Write a size such as 20GB or 10%, `off`, "
            "or maxUsedSpace=50GB,minFreeSpace=10%"
        ) from None


def describe(text: str, root: Path) -> str:
    """Return in words how large a store may be, and who says so; its directory must be there.

    Raises:
        EngineError: the text means nothing.
    """
    if text == OFF:
        return f"none: {VARIABLE}={OFF}"
    found = read_policy(text, disk=disk_size(root))
    if found is None:
        return f"{default_policy(root)}; {VARIABLE} may say another"
    return f"{found}; {VARIABLE}={text}"


def with_spaces(policy: Policy, spaces: Mapping[str, str], *, disk: int) -> Policy:
    """Return a policy with sizes changed that are named as the API does.

    Raises:
        EngineError: a size or a name has no meaning.
    """
    for name, text in spaces.items():
        if name not in SPACES:
            raise EngineError(f"{name!r} is none of {', '.join(SPACES)}")
        try:
            sizes: dict[str, Any] = {SPACES[name]: parse_size(text, of=disk)}
            policy = replace(policy, **sizes)
        except EngineError as error:
            raise EngineError(f"invalid {name} value: {error}") from None
    return policy
