"""What of the packages does not belong into a base image.

Example:
    >>> is_excluded("usr/share/man/man1/ls.1.gz"), is_excluded("usr/share/doc/bash/copyright")
    (True, False)
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_DROPPED = re.compile(
    r"""
      usr/share/(man|info|locale|lintian|bug|linda|omf|groff|bash-completion|doc-base|pixmaps|icons
                |applications|menu|gdb)/.+
    | usr/share/doc/.+(?<!/copyright)        # the licences stay: scanners and readers need them
    | usr/lib/[^/]+/gconv/.+                 # conversions between character sets; UTF-8 is built in
    | usr/lib/python3[^/]*/pydoc_data/.+
    | usr/lib/python3[^/]*/(config-[^/]*|test)/.+
    | usr/lib/python3[^/]*/lib-dynload/_(test|xxtest|ctypes_test)[^/]*
    | usr/(lib/valgrind|include|games)(/.+)?
    | (usr/)?lib/systemd/.+ | usr/lib/binfmt\.d/.+ | usr/share/binfmts/.+
    | etc/(apt|cron\.[^/]+|logrotate\.d|update-motd\.d|init\.d|default)(/.+)?
    | etc/(resolv\.conf|hostname|hosts|machine-id|fstab|motd|issue\.net)
    | etc/dpkg/dpkg\.cfg\.d/.+
    | var/cache/.+ | var/log/.+ | var/lib/apt(/.+)? | var/backups/.+
    | (dev|proc|sys|run|tmp|boot|media|mnt)/.+ | (boot|media|mnt|srv|opt)
    """,
    re.VERBOSE,
)


def is_excluded(path: str) -> bool:
    """Return whether a path of the tree, without a leading slash, is left out."""
    return _DROPPED.fullmatch(path) is not None


def is_below(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a path is one of these or below one; `*` stands for anything but a slash.

    Example:
        >>> is_below("usr/lib/x86_64-linux-gnu/perl/5.36/IO.pm", ["usr/lib/*/perl"])
        True
    """
    steps = path.split("/")
    return any(
        all(map(fnmatchcase, steps, wanted)) and len(steps) >= len(wanted)
        for wanted in (pattern.split("/") for pattern in patterns)
    )
