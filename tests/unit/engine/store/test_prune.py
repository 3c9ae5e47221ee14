from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from keelway.engine.policy import Policy
from keelway.engine.store.descriptor import OCI_LAYER, Descriptor
from keelway.engine.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 256 * 1024


def add(store: Store, name: str, *before: str) -> str:
    """Add an operation with one new layer on top of others."""
    work = store.new_work("x")
    (work / name).write_bytes(os.urandom(SIZE))
    layer = store.layers.commit(work)
    store.cache.put(
        name.encode(), b"v", description=f"make {name}", layers=[*before, layer], blobs=[]
    )
    return layer


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    root = tmp_path / "store"
    layers: dict[str, str] = {}
    for name in ("old", "mid", "new"):
        with Store.open(root) as store:
            layers[name] = add(store, name)
        time.sleep(0.02)
    return root, layers


def test_du_says_what_there_is(filled: tuple[Path, dict[str, str]]) -> None:
    root, layers = filled
    with Store.open(root) as store:
        store.volumes.path("pip cache")
        store.cache.get(b"mid")
        parts = {part.name: part for part in store.du()}
    assert parts[layers["old"]].description == "make old"
    assert SIZE <= parts[layers["old"]].size <= SIZE + 20_000
    assert [part.description for part in parts.values() if part.kind == "cache volume"] == [
        "pip cache"
    ]
    assert [name for name, layer in layers.items() if parts[layer].active] == ["mid"]


def test_the_least_recently_used_goes_first(filled: tuple[Path, dict[str, str]]) -> None:
    root, layers = filled
    with Store.open(root) as store:
        assert store.cache.get(b"old") == b"v"
    with Store.open(root) as store:
        freed = store.prune(Policy(max_used=2 * (SIZE + 20_000)))
        assert freed.parts == 1
        assert freed.size >= SIZE
        assert not store.layers.path(layers["mid"]).exists()
        assert store.cache.get(b"mid") is None
        assert store.cache.get(b"old") == b"v"


def test_nothing_that_a_live_session_uses_goes(filled: tuple[Path, dict[str, str]]) -> None:
    root, layers = filled
    with Store.open(root) as live, Store.open(root) as store:
        assert live.cache.get(b"old") == b"v"
        fresh = add(live, "fresh")
        orphan = live.layers.commit(live.new_work("orphan"))
        store.prune(Policy())
        assert live.layers.exists([layers["old"], fresh, orphan])
        assert not store.layers.path(layers["mid"]).exists()
        assert not store.layers.path(layers["new"]).exists()
    with Store.open(root) as store:
        store.prune(Policy())
        assert list(store.layers.root.iterdir()) == []
        assert store.cache.get(b"old") is None


def test_a_chain_goes_from_its_end(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        base = add(store, "base")
        top = add(store, "top", base)
    with Store.open(root) as store:
        store.prune(Policy(max_used=SIZE + 20_000))
        assert store.layers.path(base).exists()
        assert not store.layers.path(top).exists()
        assert store.cache.get(b"base") == b"v"
        assert store.cache.get(b"top") is None


def test_an_image_layer_keeps_its_blob(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with Store.open(root) as store:
        made = store.layers.to_blob(add(store, "x"), compression="uncompressed")
        blob = Descriptor(media_type=OCI_LAYER, digest=made.digest, size=made.size)
        layer = store.layers.from_blob(blob)
        store.cache.put(b"image", b"v", description="from x", layers=[layer], blobs=[])
    with Store.open(root) as live, Store.open(root) as store:
        assert live.cache.get(b"image") == b"v"
        store.prune(Policy())
        assert live.layers.to_blob(layer).digest == made.digest


def test_reserved_space_stays(filled: tuple[Path, dict[str, str]]) -> None:
    root, layers = filled
    with Store.open(root) as store:
        assert store.prune(Policy(max_used=0, reserved=1 << 40)).parts == 0
        assert store.layers.exists(layers.values())


def test_a_pruned_host_folder_is_read_again(tmp_path: Path) -> None:
    root, folder = tmp_path / "store", tmp_path / "folder"
    folder.mkdir()
    (folder / "f").write_text("x")
    with Store.open(root) as store:
        first = store.host.snapshot(folder)
    with Store.open(root) as store:
        assert any(part.description == f"host {folder}" for part in store.du())
        store.prune(Policy())
        again = store.host.snapshot(folder)
        assert again.digest == first.digest
        assert store.layers.exists(again.layers)


def test_the_default_budget_takes_nothing_from_a_small_store(
    filled: tuple[Path, dict[str, str]],
) -> None:
    root, layers = filled
    with Store.open(root) as store:
        freed = store.prune()
        assert freed.parts == 0
        assert store.layers.exists(layers.values())
