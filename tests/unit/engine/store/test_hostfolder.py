from __future__ import annotations

import os
import random
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.store import Store
from keelway.engine.store.tree import tree_digest

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.store.hostfolder import HostSnapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    for number in range(40):
        path = root / f"d{number % 4}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {number}")
    settle()
    return root


def settle() -> None:
    """Wait until time stamps of files that are written now are told apart from the last ones."""
    time.sleep(0.05)


def seen(store: Store, snapshot: HostSnapshot) -> Path:
    """Return the tree of a snapshot, whose digest is checked."""
    path = store.layers.path(store.layers.squash(snapshot.layers, below=[]))
    assert tree_digest(path) == snapshot.digest
    return path


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_a_snapshot_is_the_folder(store: Store, folder: Path) -> None:
    (folder / "run").write_text("#!")
    (folder / "run").chmod(0o2755)
    (folder / "link").symlink_to("d0/../run")
    (folder / "empty").mkdir(mode=0o700)
    (folder / "large").write_bytes(os.urandom(700_000))
    os.utime(folder / "run", ns=(1, 1_500_000_000_123_456_789))
    os.mkfifo(folder / "fifo")
    os.setxattr(folder / "run", "user.note", b"dropped")
    root = seen(store, store.host.snapshot(folder))
    assert names(root) == names(folder)
    assert (root / "large").read_bytes() == (folder / "large").read_bytes()
    assert (root / "link").readlink().as_posix() == "d0/../run"
    run = (root / "run").stat()
    assert (stat.S_IMODE(run.st_mode), run.st_mtime_ns) == (0o2755, 1_500_000_000_123_456_789)
    assert os.listxattr(root / "run") == []
    assert stat.S_IMODE((root / "empty").stat().st_mode) == 0o700
    assert (root / "d1").stat().st_mtime_ns == (folder / "d1").stat().st_mtime_ns


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owners_become_root(store: Store, folder: Path) -> None:
    for path in (folder, folder / "d0", folder / "d0/f0"):
        os.chown(path, 1234, 1234)
    root = seen(store, store.host.snapshot(folder))
    assert {(p.stat().st_uid, p.stat().st_gid) for p in (root, *root.rglob("*"))} == {(0, 0)}


def test_an_unchanged_folder_is_not_read_again(store: Store, folder: Path) -> None:
    first = store.host.snapshot(folder)
    layers = set(store.layers.root.iterdir())
    assert store.host.snapshot(folder) == first
    assert set(store.layers.root.iterdir()) == layers


def test_the_next_session_knows_it(tmp_path: Path, folder: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        first = store.host.snapshot(folder)
    with Store.open(tmp_path / "store") as store:
        assert store.host.snapshot(folder) == first
        shutil.rmtree(store.layers.path(first.layers[0]))
    with Store.open(tmp_path / "store") as store:
        again = store.host.snapshot(folder)
        assert again.layers != first.layers
        assert again.digest == first.digest
        seen(store, again)


def test_a_change_is_a_small_layer(store: Store, folder: Path) -> None:
    first = store.host.snapshot(folder)
    (folder / "d1/f1").write_text("changed")
    (folder / "d2/f2").unlink()
    shutil.rmtree(folder / "d3")
    (folder / "d0/f0").unlink()
    (folder / "d0/f0").mkdir()
    (folder / "d0/f0/deep").write_text("new")
    second = store.host.snapshot(folder)
    assert second.layers[:-1] == first.layers
    assert second.digest != first.digest
    assert names(seen(store, second)) == names(folder)
    delta = store.layers.path(second.layers[-1])
    assert names(delta) == ["d0", "d0/f0", "d0/f0/deep", "d1", "d1/f1", "d2", "d2/f2", "d3"]


def test_time_alone_changes_nothing(store: Store, folder: Path) -> None:
    first = store.host.snapshot(folder)
    for path in folder.rglob("f*"):
        os.utime(path, (5, 5))
    assert store.host.snapshot(folder) == first


def test_a_mode_is_a_change(store: Store, folder: Path) -> None:
    first = store.host.snapshot(folder)
    (folder / "d1").chmod(0o700)
    (folder / "d1/f1").chmod(0o755)
    second = store.host.snapshot(folder)
    assert second.digest != first.digest
    root = seen(store, second)
    assert stat.S_IMODE((root / "d1").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "d1/f1").stat().st_mode) == 0o755
    assert (root / "d1/f5").exists()


def test_the_same_size_at_the_same_time_is_still_seen(store: Store, folder: Path) -> None:
    """A file that is written right before and right after a snapshot, in one tick of the clock."""
    path = folder / "d0/f0"
    for number in range(20):
        path.write_text(f"{number:04}")
        os.utime(path, (1000, 1000))
        root = seen(store, store.host.snapshot(folder))
        assert (root / "d0/f0").read_text() == f"{number:04}"


def test_the_same_tree_elsewhere_has_the_same_digest(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "other", copy_function=shutil.copy)
    first, second = store.host.snapshot(folder), store.host.snapshot(tmp_path / "other")
    assert first.digest == second.digest


def test_patterns(store: Store, folder: Path) -> None:
    (folder / "d1/sub").mkdir()
    (folder / "d1/sub/x.py").write_text("")
    (folder / "d1/sub/x.txt").write_text("")
    root = seen(store, store.host.snapshot(folder, include=["**/*.py", "d0"], exclude=["d0/f?"]))
    assert names(root) == [
        *("d0", "d0/f12", "d0/f16", "d0/f20", "d0/f24", "d0/f28", "d0/f32", "d0/f36"),
        *("d1", "d1/sub", "d1/sub/x.py"),
    ]
    assert (root / "d1").stat().st_mode == (folder / "d1").stat().st_mode


def test_many_changes_over_time(store: Store, folder: Path) -> None:
    rng = random.Random(1)  # noqa: S311 - for a repeatable run
    counts = set()
    for step in range(30):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in rng.sample(files, 2):
            action = rng.choice(["write", "delete", "folder", "add"])
            if action == "write":
                path.write_text(f"step {step}")
            elif action == "add":
                path.with_name(f"new{step}").write_text("new")
            else:
                path.unlink()
                if action == "folder":
                    path.mkdir()
                    (path / "in").write_text("x")
        snapshot = store.host.snapshot(folder)
        counts.add(len(snapshot.layers))
        root = seen(store, snapshot)
        assert names(root) == names(folder)
        for path in folder.rglob("*"):
            if path.is_file():
                assert (root / path.relative_to(folder)).read_bytes() == path.read_bytes()
    assert max(counts) == 8


def test_many_at_once(store: Store, folder: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: store.host.snapshot(folder), range(16)))
    assert len(set(found)) == 1


def test_a_file(store: Store, folder: Path) -> None:
    snapshot = store.host.file(folder / "d0/f0")
    assert (seen(store, snapshot) / "f0").read_text() == "content 0"
    assert store.host.file(folder / "d0/f0") == snapshot
    settle()
    (folder / "d0/f0").write_text("changed")
    changed = store.host.file(folder / "d0/f0")
    assert changed.digest != snapshot.digest
    (folder / "alias").symlink_to("d0/f0")
    aliased = seen(store, store.host.file(folder / "alias"))
    assert names(aliased) == ["alias"]
    assert (aliased / "alias").read_text() == "changed"


def test_errors_name_the_path(store: Store, folder: Path) -> None:
    with pytest.raises(EngineError, match="nowhere: no such file or directory"):
        store.host.snapshot(folder / "nowhere")
    with pytest.raises(EngineError, match="f0 is a file, not a directory"):
        store.host.snapshot(folder / "d0/f0")
    with pytest.raises(EngineError, match="d0 is a directory, not a file"):
        store.host.file(folder / "d0")
    with pytest.raises(EngineError, match="no such file or directory"):
        store.host.file(folder / "d0/f0/x")
