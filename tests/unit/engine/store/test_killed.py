"""A store that is used by several at once who are killed at any moment, or run out of space."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from keelway.engine.store.descriptor import OCI_LAYER, Descriptor
from keelway.engine.store.store import Store
from keelway.engine.store.tree import tree_digest
from tests.support.missing import missing, need

if TYPE_CHECKING:
    from pathlib import Path

_WORKER = """
import os, sys
from pathlib import Path
from keelway.engine.store.descriptor import Descriptor
from keelway.engine.policy import Policy
from keelway.engine.store.store import Store

root, folder = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
for number in range(10**9):
    with Store.open(root) as store:
        work = store.new_work("x")
        (work / "f").write_bytes(os.urandom(300_000))
        layer = store.layers.commit(work)
        store.cache.put(os.urandom(8), layer.encode(), description="x", layers=[layer], blobs=[])
        blob = store.layers.to_blob(layer, compression="gzip")
        again = store.layers.from_blob(
            Descriptor(media_type=blob.media_type, digest=blob.digest, size=blob.size)
        )
        store.cache.put(os.urandom(8), b"", description="y", layers=[again], blobs=[blob.digest])
        (folder / "changing").write_text(str(number))
        snapshot = store.host.snapshot(folder)
        store.layers.squash([*snapshot.layers, layer], below=[])
        store.volumes.path("v")
        if number % 3 == 0:
            store.prune(Policy(max_used=3_000_000))
"""


@pytest.mark.parametrize("seed", range(4))
def test_what_is_there_is_whole(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - for repeatable delays
    root = tmp_path / "store"
    for _ in range(2):
        workers = [_start(root, tmp_path / f"folder{number}") for number in range(2)]
        time.sleep(rng.uniform(0.1, 0.6))
        for worker in workers:
            assert worker.poll() is None
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    with Store.open(root) as store:
        _check(store, root)
    assert list((root / "tmp").iterdir()) == []


def _start(root: Path, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    for number in range(50):
        (folder / str(number)).write_text(str(number))
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, root, folder], stdout=subprocess.PIPE)
    with worker.stdout or pytest.fail("no output") as output:
        assert output.readline() == b"ready\n"
    return worker


def _check(store: Store, root: Path) -> None:
    rows = sqlite3.connect(root / "store.db").execute("SELECT layers, blobs FROM results")
    for layers, blobs in rows:
        assert store.layers.exists(layers.split())
        for blob in blobs.split():
            assert store.blobs.verify(blob)
    for path in (root / "blobs/sha256").iterdir():
        assert store.blobs.verify(f"sha256:{path.name}")
    for path in store.layers.root.glob("b*"):
        size = (root / "blobs/sha256" / path.name[1:]).stat().st_size
        blob = Descriptor(
            media_type=OCI_LAYER + "+gzip", digest=f"sha256:{path.name[1:]}", size=size
        )
        before = tree_digest(path)
        store.discard(path)
        store.layers._present.discard(path.name)
        assert tree_digest(store.layers.path(store.layers.from_blob(blob))) == before


_FULL = """
import sys
import time
from pathlib import Path
from keelway.engine.errors import EngineError
from keelway.engine.store.store import Store

store = Store.open(Path(sys.argv[1]) / "store")
for action in (
    lambda: store.blobs.put_bytes(bytes(9_000_000), "x"),
    lambda: store.host.snapshot(Path(sys.argv[2])),
):
    try:
        action()
    except EngineError as error:
        print(error)
for _ in range(100):
    try:
        store.blobs.put_bytes(b"small", "x")
        break
    except EngineError:  # what failed is still being deleted
        time.sleep(0.05)
else:
    sys.exit("what failed still takes the space")
"""


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    need("unshare", package="util-linux")
    folder, disk = tmp_path / "folder", tmp_path / "disk"
    folder.mkdir()
    disk.mkdir()
    (folder / "large").write_bytes(bytes(9_000_000))
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c",
         'mount -t tmpfs -o size=5m none "$2" && exec "$0" -c "$1" "$2" "$3"',
         sys.executable, _FULL, disk, folder],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        missing(f"the right to mount here ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("No space left on device" in line and "prune" in line for line in lines)
