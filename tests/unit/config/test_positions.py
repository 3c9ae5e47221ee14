"""Where the keys of a TOML document stand."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelway.config.positions import KeyPath, locate_keys

ASSET = Path(__file__).parents[2] / "assets" / "positions.toml"

INLINE = """\
title = "x"
list = [ { a = 1 },
  { a = 2, b = { c = 3 } } ]
[z]
"""


def paths(value: object, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of everything inside."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*at, index))


@pytest.mark.parametrize("text", [ASSET.read_text(), INLINE, "", "# only a comment", "a = 1"])
def test_everything_in_the_document_has_a_line_and_nothing_else_has(text: str) -> None:
    assert set(locate_keys(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("title",), 'title = "first"'),
        (("quoted key",), '"quoted key" = 1'),
        (("dotted", "key", "path"), "dotted.key.path"),
        (("images", "orders"), "[images.orders]"),
        (("images", "orders", "platforms", 1), '"linux/arm64"'),
        (("images", "orders", "build_args", "C.D"), "build_args = {"),
        (("images", "orders", "raw"), "raw = '''"),
        (("registries",), "[[registries]]"),
        (("registries", 1, "url"), 'url = "b"'),
        (("registries", 1, "login", "user"), 'user = "c"'),
        (("registries", 1, "login", "tokens", 1, "id"), "id = 2"),
        (("registries", 1, "login", "tokens", 1, "nested", 1, 0), "3]]"),
        (("images", "a.b", "when"), "when = 2026"),
    ],
)
def test_the_line_is_the_one_where_it_is_written(path: KeyPath, words: str) -> None:
    text = ASSET.read_text()
    assert words in text.splitlines()[locate_keys(text)[path] - 1]


@pytest.mark.parametrize(
    ("path", "line"),
    [(("list",), 2), (("list", 0, "a"), 2), (("list", 1), 3), (("list", 1, "b", "c"), 3)],
)
def test_inline_tables(path: KeyPath, line: int) -> None:
    assert locate_keys(INLINE)[path] == line


def test_windows_line_ends() -> None:
    assert locate_keys('a = 1\r\n[b]\r\nc = "x"\r\n')["b", "c"] == 3
