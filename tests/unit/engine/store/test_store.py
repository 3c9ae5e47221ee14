"""Opening, closing, dead sessions, crashes of the machine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import OCI_LAYER, Descriptor
from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

_SESSION = """
import sys, time
from pathlib import Path
from keelway.engine.store.store import Store
store = Store.open(Path(sys.argv[1]))
work = store.new_work("half")
(work / "file").write_text("half made")
with store.blobs.writer() as writer:
    writer.write(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def eventually(true: object) -> None:
    for _ in range(100):
        if callable(true) and true():
            return
        time.sleep(0.05)
    pytest.fail("it never came to be")


def test_a_closed_session_leaves_nothing_in_tmp(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    work = store.new_work("x")
    (work / "sub").mkdir()
    store.discard(work)
    assert not work.exists()
    store.discard(work)
    store.close()
    store.close()
    assert list((tmp_path / "store/tmp").iterdir()) == []


def test_large_work_is_deleted_too(store: Store) -> None:
    work = store.new_work("x")
    for number in range(400):
        (work / str(number)).write_text("")
    (work / "locked").mkdir(mode=0)
    store.discard(work)
    trash = next((store.root / "tmp").iterdir()) / "trash"
    eventually(lambda: not list(trash.iterdir()))


def test_a_killed_session_is_cleared_by_the_next_and_a_live_one_is_not(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as live:
        work = live.new_work("live")
        process = subprocess.Popen(
            [sys.executable, "-c", _SESSION, str(root)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(list((root / "tmp").iterdir())) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Store.open(root):
            assert work.is_dir()
            assert len(list((root / "tmp").iterdir())) == 2
        assert list((root / "blobs/sha256").iterdir()) == []
        assert work.is_dir()


def test_after_a_restart_of_the_machine_only_older_things_are_trusted(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        layer = store.layers.commit(store.new_work("x"))
        blob = store.blobs.put_bytes(b"data", OCI_LAYER)
        store.cache.put(b"k", b"v", description="", layers=[layer], blobs=[])
        store.cache.put(b"free", b"v", description="", layers=[], blobs=[])
    with Store.open(root) as store:
        assert store.layers.exists([layer])
    (root / "boot").write_text("another boot\n")
    with Store.open(root) as store:
        assert not store.layers.exists([layer])
        assert not store.blobs.has(blob.digest)
        assert store.cache.get(b"k") is None
        assert store.cache.get(b"free") == b"v"


def test_things_from_long_before_a_restart_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        layer = store.layers.commit(store.new_work("x"))
        store.cache.put(b"k", b"v", description="", layers=[layer], blobs=[])
    (root / "boot").write_text("another boot\n")
    monkeypatch.setattr("keelway.engine.store.recovery._UNSURE_NS", -10_000_000_000)
    with Store.open(root) as store:
        assert store.layers.exists([layer])
        assert store.cache.get(b"k") == b"v"


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    Store.open(root).close()
    (root / "format").write_text('{"format": 99}')
    with pytest.raises(EngineError, match="KEELWAY_STORE"):
        Store.open(root)


def test_a_place_that_can_not_hold_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="can't be used"):
        Store.open(tmp_path / "file/store")


def test_a_damaged_database_is_replaced_with_all_that_it_knew(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        layer = store.layers.commit(store.new_work("x"))
        blob = store.blobs.put_bytes(b"data", "text/plain")
        store.cache.put(b"key", b"value", description="x", layers=[layer], blobs=[])
    (root / "store.db").write_bytes(b"nonsense" * 1000)
    with Store.open(root) as store:
        assert store.cache.get(b"key") is None
        assert not store.layers.exists([layer])
        assert store.blobs.read(blob.digest) == b"data"
        store.cache.put(b"key", b"again", description="x", layers=[], blobs=[])
    with Store.open(root) as store:
        assert store.cache.get(b"key") == b"again"


def test_damage_found_while_at_work_is_told_and_mended_by_the_next(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        for number in range(2000):
            key = hashlib.sha256(str(number).encode()).digest()
            store.cache.put(key, key * 10, description="x", layers=[], blobs=[])
    with (root / "store.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(100 * 4096))
    store = Store.open(root)
    with pytest.raises(EngineError, match=r"is damaged .* Try again"):
        store.du()
    with pytest.raises(EngineError, match="other sessions that use the store must end first"):
        Store.open(root)
    store.close()
    with Store.open(root) as store:
        assert store.du() == []


def test_a_blob_that_was_damaged_is_not_read(store: Store) -> None:
    blob = store.blobs.put_bytes(b"data", "text/plain")
    store.blobs.path(blob.digest).write_bytes(b"date")
    with pytest.raises(EngineError, match=f"lost the blob {blob.digest}; try again"):
        store.blobs.read(blob.digest)
    assert not store.blobs.has(blob.digest)


def test_a_lost_blob_of_an_image_makes_its_layers_be_made_anew(store: Store) -> None:
    work = store.new_work("x")
    (work / "f").write_text("x")
    made = store.layers.to_blob(store.layers.commit(work))
    blob = Descriptor(media_type=made.media_type, digest=made.digest, size=made.size)
    layer = store.layers.from_blob(blob)
    store.cache.put(b"image", b"v", description="from x", layers=[layer], blobs=[])
    store.cache.put(b"other", b"v", description="other", layers=[], blobs=[])
    store.blobs.path(blob.digest).unlink()
    with pytest.raises(EngineError, match="pulled again by the next session"):
        store.layers.to_blob(layer)
    with Store.open(store.root) as following:
        assert following.cache.get(b"image") is None
        assert following.cache.get(b"other") == b"v"


def test_blobs(store: Store, tmp_path: Path) -> None:
    blob = store.blobs.put_bytes(b"data", "text/plain")
    assert store.blobs.read(blob.digest) == b"data"
    assert blob.size == 4
    (tmp_path / "f").write_bytes(b"data")
    assert store.blobs.put_file(tmp_path / "f", "text/plain") == blob
    with pytest.raises(EngineError, match="damaged or was tampered"):
        store.blobs.put_file(tmp_path / "f", "", expected="sha256:" + "0" * 64)
    assert not store.blobs.has("sha256:" + "0" * 64)
    store.blobs.path(blob.digest).write_bytes(b"date")
    assert not store.blobs.verify(blob.digest)
    assert not store.blobs.has(blob.digest)
    for bad in ("sha256:../../etc/passwd", "md5:1", ""):
        with pytest.raises(EngineError, match="not a sha256 digest"):
            store.blobs.path(bad)


def test_umask_does_not_matter(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        source = tmp_path / "source"
        source.mkdir()
        (source / "f").write_text("x")
        (source / "f").chmod(0o666)
        with Store.open(tmp_path / "store") as store:
            snapshot = store.host.snapshot(source)
            root = store.layers.path(snapshot.layers[0])
            assert root.stat().st_mode & 0o777 == 0o755
            assert (root / "f").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)
