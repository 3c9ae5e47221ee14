from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def put(store: Store, key: bytes, value: bytes = b"value") -> None:
    store.cache.put(key, value, description="an operation", layers=[], blobs=[])


def test_what_was_put_is_found_by_the_next_session(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        put(store, b"k", b"one")
        put(store, b"k", b"two")
        assert store.cache.get(b"k") == b"two"
    with Store.open(tmp_path / "store") as store:
        assert store.cache.get(b"k") == b"two"
        assert store.cache.get(b"other") is None
        store.cache.forget(b"k")
        assert store.cache.get(b"k") is None


def test_two_sessions_at_once_see_each_other(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as one, Store.open(tmp_path / "store") as other:
        assert other.cache.get(b"k") is None
        put(one, b"k")
        assert other.cache.get(b"k") == b"value"


def test_threads(store: Store) -> None:
    keys = [os.urandom(32) for _ in range(400)]

    def work(key: bytes) -> bytes | None:
        put(store, key, key)
        return store.cache.get(key)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, keys)) == keys


def _write(root: Path, name: int) -> None:
    with Store.open(root) as store:
        for number in range(100):
            put(store, b"%d %d" % (name, number))


def test_processes(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(tmp_path / "store", name)) for name in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with Store.open(tmp_path / "store") as store:
        found = [store.cache.get(b"%d %d" % (n, m)) for n in range(3) for m in range(100)]
    assert found == [b"value"] * 300
