"""Patterns of `COPY` sources, and archives that `ADD` knows by their contents."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.solve.archives import is_archive, unpack
from keelway.engine.solve.copysources import component, expand

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        ("[!a]x", "!x", True),
        ("arr[[]0]", "arr[0]", True),
        ("arr\\[0\\]", "arr[0]", True),
        ("a+(b)", "a+(b)", True),
    ],
)
def test_component_matches_as_in_go(pattern: str, name: str, matches: bool) -> None:
    assert bool(component(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize("pattern", ["[a", "[", "[z-a]", "a\\"])
def test_malformed_pattern_is_told(pattern: str) -> None:
    with pytest.raises(EngineError, match="syntax error in pattern"):
        component(pattern)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["a.txt", "d"]),
        ("d/*", ["d/b.txt", "d/e"]),
        ("d/**/*.txt", ["d/b.txt", "d/e/c.txt"]),
        ("**/*.txt", ["a.txt", "d/b.txt", "d/e/c.txt"]),
        ("none*", []),
    ],
)
def test_sources_are_found_in_order(tmp_path: Path, pattern: str, found: list[str]) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    for name in ("a.txt", "d/b.txt", "d/e/c.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "d" / "e" / "up").symlink_to("..")
    with Root(tmp_path) as root:
        assert list(expand(root, pattern, deep=True)) == found


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("in/x", "../../up", "/abs"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    return data.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_archive_is_known_and_stays_inside(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "any.name").write_bytes(pack(_tar()))
    assert is_archive(tmp_path / "any.name")
    folder = tmp_path / "to"
    folder.mkdir()
    unpack(tmp_path / "any.name", folder)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "abs",
        "in",
        "in/x",
        "up",
    ]


# Names of their own: all workers must collect the same, and gzip writes the time into its header.
@pytest.mark.parametrize(
    "data",
    [b"", b"text", gzip.compress(b"no tar"), b"\x1f\x8bbroken", b"BZh9"],
    ids=["empty", "text", "gzip of no tar", "broken gzip", "broken bzip2"],
)
def test_other_files_are_no_archives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(data)
    assert not is_archive(tmp_path / "x.tar.gz")


def test_damaged_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(_tar())[:-9])
    (tmp_path / "to").mkdir()
    with pytest.raises(EngineError, match="damaged"):
        unpack(tmp_path / "x", tmp_path / "to")
