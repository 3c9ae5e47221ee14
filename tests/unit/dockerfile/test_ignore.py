"""The rules of `.dockerignore`."""

from __future__ import annotations

import pytest

from keelway.dockerfile import DockerfileError, IgnoreFile


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./a/../b", "b", True),
        ("*.md", "x.md", True),
        ("*.md", "d/x.md", False),
        ("*/x", "d/x", True),
        ("*/x", "d/e/x", False),
        ("*/x", "d/x/below", True),
        ("**/x", "x", True),
        ("**/x", "d/e/x", True),
        ("**/*.go", "d/e/a.go", True),
        ("d/**", "d/e/f", True),
        ("d/**", "d", False),
        ("d/**/f", "d/f", True),
        ("d/**/f", "d/a/b/f", True),
        ("**", "anything/at/all", True),
        ("**foo", "a/foo", True),
        ("**foo", "afoo", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("temp?", "temp/", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[]]x", "]x", True),
        ("\\*", "*", True),
        ("\\*", "x", False),
        ("a.b", "axb", False),
        ("a+b$", "a+b$", True),
        (".git", ".git/config", True),
        (".", "a", False),
        ("/", "a", False),
        ("  a  ", "a", True),
    ],
)
def test_pattern_matches(pattern: str, path: str, ignored: bool) -> None:
    assert IgnoreFile.parse(pattern).matches(path) is ignored


def test_last_line_that_matches_decides() -> None:
    file = IgnoreFile.parse("*.md\n!README*.md\nREADME-secret.md\n")
    found = {name: file.matches(name) for name in ("a.md", "README.md", "README-secret.md", "b")}
    assert found == {"a.md": True, "README.md": False, "README-secret.md": True, "b": False}


def test_exception_takes_back_what_is_below_an_ignored_folder() -> None:
    file = IgnoreFile.parse("d\n!d/keep\n")
    assert [file.matches(path) for path in ("d/x", "d/keep", "d/keep/y")] == [True, False, False]


def test_comments_empty_lines_and_a_byte_order_mark_are_nothing() -> None:
    file = IgnoreFile.parse("\ufeff# a\n\n   \r\nb\r\n #c\n! d\n")
    assert file.lines() == ("b", "#c", "!d")
    assert [pattern.line for pattern in file.patterns] == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n!\n", "illegal exclusion pattern"),
        ("a\n[b\n", "a '\\[' has no ']'"),
        ("a\nb\\\n", "ends in a backslash"),
        ("a\n[z-a]\n", "a range is none"),
    ],
)
def test_malformed_pattern_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(DockerfileError, match=told) as caught:
        IgnoreFile.parse(text, "x.dockerignore")
    assert str(caught.value).startswith("x.dockerignore:2: ")
