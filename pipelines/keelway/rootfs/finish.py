"""What the packages' installation scripts would have done, as far as a container needs it.

Users and groups, the bundle of trusted certificates, name resolution, and the directories that
every program expects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.rootfs.entry import Entry, content_of, directory, file

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator, Mapping

NONROOT = 65532
"""The user of services that need none of their own: `USER nonroot`, or this number."""

BUNDLE = "etc/ssl/certs/ca-certificates.crt"

_ACCOUNTS = (
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
_CERTIFICATE = re.compile(r"usr/share/ca-certificates/.+\.crt")
_DIRECTORIES = {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700, "run": 0o755, "dev": 0o755}
_MOUNT_POINTS = ("proc", "sys", "home", "etc")


def finishing(entries: Mapping[str, Entry], archive: tarfile.TarFile) -> Iterator[Entry]:
    """Yield what has to be added to the extracted packages, or put in the place of what is there.

    Args:
        entries: The packages' files by path, with those that will be left out.
        archive: Where their content is.
    """
    for path in _MOUNT_POINTS:
        yield directory(path, 0o555 if path in {"proc", "sys"} else 0o755)
    for path, mode in _DIRECTORIES.items():
        yield directory(path, mode)
    yield directory("home/nonroot", 0o700, NONROOT)
    yield from _accounts(entries, archive)
    if "etc/nsswitch.conf" not in entries:
        yield file("etc/nsswitch.conf", _NSSWITCH)
    certificates = sorted(path for path in entries if _CERTIFICATE.fullmatch(path))
    if certificates:
        parts = [content_of(entries[path], archive).strip() + b"\n" for path in certificates]
        yield directory("etc/ssl")
        yield directory("etc/ssl/certs")
        yield file(BUNDLE, b"".join(parts))


def _accounts(entries: Mapping[str, Entry], archive: tarfile.TarFile) -> Iterator[Entry]:
    for name, fallback, own in (
        (
            "passwd",
            _ACCOUNTS,
            f"nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/usr/sbin/nologin\n",
        ),
        ("group", _GROUPS, f"nonroot:x:{NONROOT}:\n"),
    ):
        # Debian's own list of accounts, when the package base-passwd is there.
        master = entries.get(f"usr/share/base-passwd/{name}.master")
        text = fallback if master is None else content_of(master, archive).decode()
        # `*` means that nobody can log in by a password, `x` that it would be in /etc/shadow.
        yield file(f"etc/{name}", text.replace(":*:", ":x:") + own)
