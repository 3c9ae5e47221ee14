"""Things are put into a tree for a while, and nothing is left of that."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from keelway.engine.run.chroot_places import Places
from keelway.engine.run.spec import SecretFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with a few things in it."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "hosts").write_text("the image's own")
    (root / "old").mkdir()
    (root / "old" / "inside").touch()
    return root


@pytest.fixture
def places(tree: Path, tmp_path: Path) -> Places:
    return Places(tree, tmp_path / "aside")


def shown(root: Path) -> dict[str, tuple[int, int]]:
    """Return all paths with inode and time."""
    return {
        str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in (root, *root.rglob("*"))
    }


def test_all_is_as_it_was(tree: Path, places: Places, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").touch()
    before = shown(tree)
    places.tree(source, "/old")
    places.folder("/old/deeper/tmp", mode=0o1777)
    places.file("/etc/hosts", "127.0.0.1 localhost\n")
    places.file("/run/new/file", "x")
    assert (tree / "old" / "file").exists()
    assert not (tree / "old" / "inside").exists()
    assert (tree / "etc" / "hosts").read_text() == "127.0.0.1 localhost\n"
    places.clear()
    assert shown(tree) == before
    assert (source / "file").exists()
    assert not (tmp_path / "aside").exists()


def test_what_is_written_to_a_moved_tree_stays_there(
    tree: Path, places: Places, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    places.tree(source, "/src")
    (tree / "src" / "made").write_text("by the command")
    places.clear()
    assert (source / "made").read_text() == "by the command"
    assert not (tree / "src").exists()


def test_removed_mount_is_an_empty_one(tree: Path, places: Places, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").touch()
    places.tree(source, "/src")
    (tree / "src" / "file").unlink()
    (tree / "src").rmdir()
    places.clear()
    assert list(source.iterdir()) == []


def test_directory_made_for_a_mount_stays_when_it_was_used(tree: Path, places: Places) -> None:
    places.file("/made/for/it", "x")
    (tree / "made" / "kept").touch()
    places.clear()
    assert [path.name for path in (tree / "made").iterdir()] == ["kept"]


def test_links_lead_nowhere_else(tree: Path, places: Places, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "run").symlink_to(outside)
    places.file("/run/file", "x")
    assert list(outside.iterdir()) == []
    # A command swaps the directory for a link while the file is there.
    places.file("/etc/hosts", "x")
    (tree / "etc").rename(tree / "etc-moved")
    (tree / "etc").symlink_to(outside)
    places.clear()
    assert list(outside.iterdir()) == []
    assert (tree / "etc-moved" / "hosts").read_text() == "the image's own"


class TestCache:
    """A volume that others see as well."""

    @pytest.fixture
    def volume(self, tmp_path: Path) -> Path:
        path = tmp_path / "volume"
        (path / "sub").mkdir(parents=True)
        (path / "sub" / "file").write_text("one ")
        (path / "gone").touch()
        return path

    def test_writing_in_place_is_seen_at_once(
        self, tree: Path, places: Places, volume: Path
    ) -> None:
        places.cache(volume, "/cache")
        with (tree / "cache" / "sub" / "file").open("a") as file:
            file.write("two")
        assert (volume / "sub" / "file").read_text() == "one two"
        places.clear()
        assert (volume / "sub" / "file").read_text() == "one two"

    def test_names_are_seen_afterwards(self, tree: Path, places: Places, volume: Path) -> None:
        places.cache(volume, "/cache")
        inside = tree / "cache"
        (inside / "gone").unlink()
        (inside / "new").mkdir()
        (inside / "new" / "file").write_text("new")
        (inside / "sub" / "file").unlink()
        (inside / "sub" / "file").write_text("replaced")
        places.clear()
        assert not (volume / "gone").exists()
        assert (volume / "new" / "file").read_text() == "new"
        assert (volume / "sub" / "file").read_text() == "replaced"

    def test_two_users_do_not_undo_each_other(
        self, tree: Path, places: Places, volume: Path, tmp_path: Path
    ) -> None:
        second_tree = tmp_path / "second"
        second_tree.mkdir()
        second = Places(second_tree, tmp_path / "second-aside")
        places.cache(volume, "/cache")
        second.cache(volume, "/cache")
        (tree / "cache" / "mine").write_text("mine")
        (second_tree / "cache" / "theirs").write_text("theirs")
        places.clear()
        second.clear()
        assert {path.name for path in volume.iterdir()} == {"sub", "gone", "mine", "theirs"}


class TestSecret:
    """A secret is a file to read, and never one on a disk."""

    def test_each_reader_gets_all_of_it(self, tree: Path, places: Places) -> None:
        data = os.urandom(512_000)
        places.secret(SecretFile(target="/run/secrets/key", data=data, mode=0o440))
        path = tree / "run" / "secrets" / "key"
        assert path.is_fifo()
        assert path.stat().st_mode & 0o7777 == 0o440
        assert [path.read_bytes() for _ in range(3)] == [data, data, data]
        places.clear()
        assert not path.exists()
        assert not (tree / "run").exists()

    def test_nobody_need_read_it(self, tree: Path, places: Places) -> None:
        places.secret(SecretFile(target="/etc/key", data=b"x"))
        threads = threading.active_count()
        places.clear()
        assert threading.active_count() == threads - 1
        assert not (tree / "etc" / "key").exists()

    def test_file_in_its_place_is_not_written_to(self, tree: Path, places: Places) -> None:
        places.secret(SecretFile(target="/etc/key", data=b"top secret"))
        path = tree / "etc" / "key"
        path.rename(tree / "etc" / "pipe")
        path.write_text("trap")
        assert (tree / "etc" / "pipe").read_bytes() == b"top secret"
        places.clear()  # ends, though a pipe is where nobody looks for it
        assert b"top secret" not in b"".join(
            file.read_bytes() for file in tree.rglob("*") if file.is_file()
        )
