"""What of the packages does not belong into a base image.

Example:
    >>> is_excluded("usr/share/man/man1/ls.1.gz"), is_excluded("usr/share/doc/bash/copyright")
    (True, False)
"""

from __future__ import annotations

import re

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
