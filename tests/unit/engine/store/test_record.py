"""What has changed in a plain tree becomes the layer that overlayfs would make of it."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from keelway.engine.store.merged import find_in, merge_into
from keelway.engine.store.record import Changes, Record
from keelway.engine.store.tar import is_opaque
from keelway.engine.store.whiteout import is_whiteout, make_whiteout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="whiteouts and owners are root's")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A layer with something of each kind."""
    layer = tmp_path / "base"
    (layer / "etc" / "deep").mkdir(parents=True)
    (layer / "etc" / "deep" / "file").write_text("deep")
    (layer / "etc" / "name").write_text("old")
    (layer / "etc" / "link").symlink_to("name")
    (layer / "gone").mkdir()
    (layer / "gone" / "file").write_text("x")
    os.link(layer / "etc" / "name", layer / "etc" / "twin")
    return layer


def changed(base: Path, work: Path, change: Callable[[Path], object]) -> Path:
    """Return the layer of what `change` does to a copy of the base."""
    tree, upper = work / "tree", work / "upper"
    tree.mkdir()
    upper.mkdir()
    layers = [os.fsencode(base)]
    merge_into(layers, os.fsencode(tree))
    before = Record.of(os.fsencode(tree))
    change(tree)
    Changes(os.fsencode(tree), before, layers).write(os.fsencode(upper))
    merged = work / "merged"
    merged.mkdir()
    merge_into([*layers, os.fsencode(upper)], os.fsencode(merged))
    assert listing(merged) == listing(tree), "the layer over its base is not the tree"
    return upper


def listing(tree: Path) -> list[tuple[str, int, int, bytes]]:
    """Return paths, modes, owners and contents of a tree."""
    found: list[tuple[str, int, int, bytes]] = []
    for path in sorted(tree.rglob("*")):
        state = path.lstat()
        content = b""
        if stat.S_ISREG(state.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(state.st_mode):
            content = os.fsencode(path.readlink())
        found.append((str(path.relative_to(tree)), state.st_mode, state.st_uid, content))
    return found


def names(layer: Path) -> set[str]:
    """Return what a layer has, without directories."""
    return {str(path.relative_to(layer)) for path in layer.rglob("*") if not path.is_dir()}


def test_untouched_tree_gives_an_empty_layer(base: Path, tmp_path: Path) -> None:
    assert list(changed(base, tmp_path, lambda _tree: None).iterdir()) == []


def test_change_that_keeps_size_and_time_is_found(base: Path, tmp_path: Path) -> None:
    def rewrite(tree: Path) -> None:
        file = tree / "etc" / "deep" / "file"
        state = file.stat()
        file.write_text("DEEP")
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))

    assert names(changed(base, tmp_path, rewrite)) == {"etc/deep/file"}


def test_moved_away_and_back_is_no_change(base: Path, tmp_path: Path) -> None:
    def move(tree: Path) -> None:
        folder = tree / "etc"
        state = folder.stat()
        (folder / "name").rename(tree / "aside")
        (tree / "aside").rename(folder / "name")
        os.utime(folder, ns=(state.st_atime_ns, state.st_mtime_ns))

    assert names(changed(base, tmp_path, move)) == set()


def test_removed_names_are_hidden(base: Path, tmp_path: Path) -> None:
    def remove(tree: Path) -> None:
        shutil.rmtree(tree / "gone")
        (tree / "etc" / "link").unlink()

    layer = changed(base, tmp_path, remove)
    assert is_whiteout((layer / "gone").lstat())
    assert is_whiteout((layer / "etc" / "link").lstat())
    assert names(layer) == {"gone", "etc/link"}


def test_directory_made_anew_hides_the_old_one(base: Path, tmp_path: Path) -> None:
    def renew(tree: Path) -> None:
        (tree / "new").mkdir()
        (tree / "gone").rename(tree / "other")
        (tree / "new").rename(tree / "gone")

    layer = changed(base, tmp_path, renew)
    assert is_opaque(os.fsencode(layer / "gone"))
    assert names(layer) == {"other/file"}


def test_kinds_may_change(base: Path, tmp_path: Path) -> None:
    def swap(tree: Path) -> None:
        shutil.rmtree(tree / "gone")
        (tree / "gone").write_text("a file now")
        (tree / "etc" / "name").unlink()
        (tree / "etc" / "name").mkdir()

    changed(base, tmp_path, swap)


def test_names_of_one_file_stay_one_file(base: Path, tmp_path: Path) -> None:
    def append(tree: Path) -> None:
        with (tree / "etc" / "twin").open("a") as file:
            file.write("er")

    layer = changed(base, tmp_path, append)
    assert names(layer) == {"etc/name", "etc/twin"}
    assert (layer / "etc" / "name").samefile(layer / "etc" / "twin")


def test_copy_is_not_the_layer(base: Path, tmp_path: Path) -> None:
    changed(base, tmp_path, lambda tree: (tree / "etc" / "name").write_text("new"))
    assert (base / "etc" / "name").read_text() == "old"


def test_command_cannot_write_marks_of_layers(base: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    upper = tmp_path / "upper"
    tree.mkdir()
    upper.mkdir()
    merge_into([os.fsencode(base)], os.fsencode(tree))
    before = Record.of(os.fsencode(tree))
    make_whiteout(str(tree / "never"))
    (tree / "new").mkdir()
    os.setxattr(tree / "new", "user.overlay.opaque", b"y")
    Changes(os.fsencode(tree), before, [os.fsencode(base)]).write(os.fsencode(upper))
    assert {path.name for path in upper.iterdir()} == {"new"}
    assert not is_opaque(os.fsencode(upper / "new"))


def test_stack_is_searched_from_the_top(base: Path, tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "etc").mkdir(parents=True)
    (top / "etc" / "name").write_text("newer")
    make_whiteout(str(top / "gone"))
    stack = [os.fsencode(base), os.fsencode(top)]
    assert find_in(stack, b"/etc/name") == os.fsencode(top / "etc" / "name")
    assert find_in(stack, b"/etc/deep/file") == os.fsencode(base / "etc" / "deep" / "file")
    assert find_in(stack, b"/gone") is None
    assert find_in(stack, b"/gone/file") is None
