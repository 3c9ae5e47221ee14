from __future__ import annotations

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.solve.globs import glob


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("*", ["a", ".a"], ["a/b"]),
        ("**", ["a", "a/b"], []),
        ("**/*", ["a", "a/b"], []),
        ("**/foo", ["foo", "a/foo"], ["afoo", "foo/x"]),
        ("**.txt", ["a.txt", "x/b.txt"], ["a.md"]),
        ("**a*", ["ab", "x/ab"], ["xab"]),
        ("a/**", ["a/b", "a/b/c"], ["a"]),
        ("a/**/b", ["a/b", "a/x/b"], ["ab"]),
        (" ./a/ ", ["a"], ["a/b"]),
        ("?x", ["ax"], ["/x", "x"]),
        ("[a-c]x", ["bx"], ["dx"]),
        ("[^a]x", ["bx"], ["ax"]),
        (r"\*", ["*"], ["a"]),
        ("/a", [], ["a"]),
        ("!a", [], ["a", "b"]),
    ],
)
def test_patterns(pattern: str, matched: list[str], others: list[str]) -> None:
    matches = glob(pattern)
    assert [path for path in (*matched, *others) if matches(path)] == matched


@pytest.mark.parametrize("pattern", ["", " ", "[", "a[b", "[z-a]"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(EngineError, match="failed to create glob pattern matcher"):
        glob(pattern)
