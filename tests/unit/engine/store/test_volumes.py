from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.store.store import Store
from keelway.engine.store.volumes import Cancelled

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event


def test_a_volume_outlives_its_session(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store") as store:
        path = store.volumes.path("cache a")
        assert path.stat().st_mode & 0o777 == 0o755
        (path / "f").write_text("kept")
        assert store.volumes.path("cache b") != path
    with Store.open(tmp_path / "store") as store:
        assert (store.volumes.path("cache a") / "f").read_text() == "kept"


def test_only_a_new_volume_is_seeded(store: Store) -> None:
    def fill(folder: Path) -> None:
        (folder / "seed").write_text("1")
        folder.chmod(0o700)

    path = store.volumes.seed("v", fill)
    assert (path / "seed").read_text() == "1"
    assert path.stat().st_mode & 0o777 == 0o700
    (path / "seed").unlink()
    assert list(store.volumes.seed("v", fill).iterdir()) == []


def test_a_locked_volume_is_seeded_too(store: Store) -> None:
    with store.volumes.lock("v"):
        path = store.volumes.seed("v", lambda folder: (folder / "seed").write_text("1"))
    assert (path / "seed").read_text() == "1"


def test_layers_may_be_made_while_a_volume_is_seeded(store: Store) -> None:
    """Each of many pairs, so that locks which names share would meet."""
    layer = store.layers.commit(store.new_work("x"))

    def make(number: int) -> None:
        store.volumes.seed(
            f"v{number}", lambda _: store.layers.squash([layer], below=[layer] * number)
        )

    for number in range(150):
        make(number)


def test_a_failed_seed_leaves_no_volume(store: Store) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        store.volumes.seed("v", fail)
    assert list(store.volumes.path("v").iterdir()) == []


def test_a_lock_is_held_by_one_thread(store: Store) -> None:
    inside: list[int] = []

    def work(number: int) -> None:
        with store.volumes.lock("v"):
            inside.append(number)
            time.sleep(0.002)
            assert inside.pop() == number
            assert inside == []

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(24)))


def test_whoever_waits_may_give_up(store: Store) -> None:
    stop = threading.Event()
    with store.volumes.lock("v"), ThreadPoolExecutor(1) as threads:

        def wait() -> None:
            with store.volumes.lock("v", cancelled=stop.is_set):
                pytest.fail("the lock was had twice")

        waiting = threads.submit(wait)
        time.sleep(0.05)
        stop.set()
        with pytest.raises(Cancelled):
            waiting.result(5)


def _hold(root: str, held: Event, release: Event) -> None:
    with Store.open(Path(root)) as store, store.volumes.lock("v"):
        held.set()
        release.wait(20)


def test_a_lock_is_held_by_one_process(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, release = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_hold, args=(os.fspath(store.root), held, release))
    process.start()
    try:
        assert held.wait(20)
        with (
            pytest.raises(Cancelled),
            store.volumes.lock("v", cancelled=lambda: True),
        ):
            pass
    finally:
        release.set()
        process.join()
    with store.volumes.lock("v"):
        pass
