"""Package managers that are left in an image.

Example:
    >>> from keelway.policy.content import Entry, Tree
    >>> tree = Tree()
    >>> tree.begin_layer()
    >>> tree.add("usr/bin/dpkg", Entry(size_bytes=9, mode=0o755))
    >>> package_managers(tree)
    ('/usr/bin/dpkg',)
"""

from __future__ import annotations

import re
from posixpath import basename
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.policy.content import Tree

_NAMES = re.compile(
    r"apt|apt-get|aptitude|dpkg|apk|rpm|dnf|dnf[0-9]|microdnf|tdnf|yum|zypper|pacman"
    r"|opkg|snap|pip[0-9.]*|pipx|easy_install[0-9.-]*|uv|poetry|conda|mamba|npm|npx|yarn|pnpm"
    r"|corepack|gem|bundle|composer|cargo|brew|nix-env"
)
_EXECUTABLE = 0o111


def package_managers(tree: Tree) -> tuple[str, ...]:
    """Return the paths of package managers that could be run, sorted."""
    return tuple(
        sorted(
            f"/{path}"
            for path, entry in tree.entries.items()
            if not entry.directory and _NAMES.fullmatch(basename(path)) and _runs(tree, path)
        )
    )


def _runs(tree: Tree, path: str) -> bool:
    found = tree.entries.get(tree.resolve(path) or "")
    return found is not None and not found.directory and bool(found.mode & _EXECUTABLE)
