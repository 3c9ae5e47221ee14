"""The machine's package sources in both forms."""

from __future__ import annotations

from keelway._tools.apt_sources import parse_deb822, parse_one_line, sources_of

DEB822 = """\
Types: deb deb-src
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /keys/debian.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
"""


def test_a_sources_file_gives_one_source_for_each_archive_and_suite() -> None:
    assert sources_of(parse_deb822(DEB822), "bookworm") == (
        "deb [signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main",
        "deb [signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm-updates main",
        "deb http://inline.example/debian bookworm-security main",
    )


def test_a_list_file_with_comments_options_and_sources() -> None:
    text = (
        "# deb http://old.example/debian bookworm main\n"
        "deb-src http://mirror.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # here\n"
        "deb http://mirror.example/debian bookworm contrib\n"
        "deb http://mirror.example/debian trixie main\n"
    )
    assert sources_of(parse_one_line(text), "bookworm") == (
        "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main",
    )


def test_sources_of_another_release_are_not_used_at_all() -> None:
    text = "deb http://mirror.example/debian bookworm-security main\n"
    assert sources_of(parse_one_line(text), "bookworm") == ()
    assert sources_of(parse_one_line("deb http://u.example noble main"), "bookworm") == ()
