from __future__ import annotations

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.patterns import Patterns, Selection


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a", "a", True),
        ("a", "a/b", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("./a/", "a/b", True),
        ("a/../b", "b", True),
        ("*", "a/b", True),
        ("*.py", "a.py", True),
        ("*.py", "d/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "d/e/a.py", True),
        ("d/**", "d/e/f", True),
        ("d/**", "d", False),
        ("**", "x/y", True),
        ("**/x", "x", True),
        ("**/x", "a/x/b", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "ab", False),
        ("**foo", "a/foo", True),
        ("**foo", "a/xfoo", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[^a-c]x", "dx", True),
        ("[^a]b", "/b", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a.b", "axb", False),
        ("a+(b)", "a+(b)", True),
        ("", "a", False),
        ("   ", "a", False),
    ],
)
def test_matching(pattern: str, path: str, expected: bool) -> None:
    assert Patterns([pattern]).matches(path) is expected


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["*", "!keep"], "keep", False),
        (["*", "!keep"], "other", True),
        (["*", "!d/keep"], "d/keep", False),
        (["*", "!d/keep", "d/keep"], "d/keep", True),
        (["!a", "a"], "a", True),
        (["d", "!d/*.md", "d/no.md"], "d/no.md", True),
        (["d", "!d/*.md", "d/no.md"], "d/yes.md", False),
    ],
)
def test_the_last_match_decides(patterns: list[str], path: str, *, expected: bool) -> None:
    assert Patterns(patterns).matches(path) is expected


def test_malformed_patterns_are_shown() -> None:
    for pattern in ("a[", "[z-a]", "!"):
        with pytest.raises(EngineError, match="pattern"):
            Patterns([pattern])


def test_directories_are_entered_only_if_something_in_them_may_count() -> None:
    some = Selection(["src/*.py"], [])
    assert some.enters("src")
    assert not some.enters("lib")
    assert not some.takes("src")
    assert Selection(["**/*.py"], []).enters("lib")
    assert not Selection([], ["node_modules"]).enters("node_modules")
    spared = Selection([], ["lib", "!lib/a/keep"])
    assert spared.enters("lib")
    assert spared.enters("lib/a")
    assert not spared.enters("lib/b")
    assert Selection([], []).everything


def test_excludes_win() -> None:
    both = Selection(["src"], ["src/a"])
    assert both.takes("src/b")
    assert not both.takes("src/a")
