"""What does not belong into a base image."""

from __future__ import annotations

import pytest

from keelway.rootfs.excluded import is_below, is_excluded


@pytest.mark.parametrize(
    "path",
    [
        "usr/share/man/man1/ls.1.gz",
        "usr/share/doc/openssl/changelog.gz",
        "usr/share/locale/de/LC_MESSAGES/dpkg.mo",
        "usr/lib/x86_64-linux-gnu/gconv/BIG5.so",
        "etc/apt/sources.list",
        "etc/resolv.conf",
        "etc/hostname",
        "dev/null",
        "var/cache/apt/archives/x.deb",
        "var/lib/apt/lists",
        "lib/systemd/system/x.service",
        "usr/lib/systemd/system/x.service",
    ],
)
def test_it_is_left_out(path: str) -> None:
    assert is_excluded(path)


@pytest.mark.parametrize(
    "path",
    [
        "usr/share/doc/openssl/copyright",
        "usr/bin/python3.11",
        "usr/lib/python3.11/encodings/idna.py",
        "usr/lib/x86_64-linux-gnu/libssl.so.3",
        "var/lib/dpkg/status",
        "etc/ssl/openssl.cnf",
        "usr/share/zoneinfo/UTC",
        "tmp",
        "dev",
    ],
)
def test_it_stays(path: str) -> None:
    assert not is_excluded(path)


@pytest.mark.parametrize(
    ("path", "is_left_out"),
    [
        ("usr/lib/x86_64-linux-gnu/perl", True),
        ("usr/lib/aarch64-linux-gnu/perl/5.36/IO.pm", True),
        ("usr/lib/x86_64-linux-gnu/perl-base/IO.pm", False),
        ("usr/lib/x86_64-linux-gnu/deep/perl", False),
        ("usr/lib/x86_64-linux-gnu", False),
        ("opt/data", True),
        ("opt/database", False),
    ],
)
def test_what_the_user_leaves_out_is_a_path_and_all_below_it(path: str, is_left_out: bool) -> None:
    assert is_below(path, ["usr/lib/*/perl", "opt/data"]) is is_left_out
