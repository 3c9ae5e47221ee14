"""Files replaced in one step, by several at once too."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keelway._replacing import replace_file

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 8
TIMES = 50


def test_several_writers_never_meet(tmp_path: Path) -> None:
    file = tmp_path / "keelway.lock"
    texts = [f"{number}\n" * 1_000 for number in range(WRITERS)]

    def write(text: str) -> None:
        for _ in range(TIMES):
            replace_file(file, text)
            assert file.read_text() in texts

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, texts))
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_moved_there_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        replace_file(tmp_path / "taken", "text")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_a_link_is_replaced_and_what_it_names_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    replace_file(link, b"new")
    assert (link.read_text(), elsewhere.read_text()) == ("new", "kept")
    assert not link.is_symlink()


def test_half_a_character_is_told_as_a_question_mark(tmp_path: Path) -> None:
    replace_file(tmp_path / "log", "half \ud800 of one")
    assert (tmp_path / "log").read_text() == "half ? of one"


def test_permissions_are_the_umasks_or_tighter(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "usual", "x")
        replace_file(tmp_path / "own", "x", mode=0o600)
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("usual", "own")]
    assert modes == [0o640, 0o600]
