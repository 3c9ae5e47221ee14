from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.credentials import outer_user
from keelway.engine.store.descriptor import OCI_LAYER, Descriptor, sha256
from keelway.engine.store.tree import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.engine.store.descriptor import LayerBlob
    from keelway.engine.store.store import Store

    MakeLayer = Callable[[dict[str, str | bytes | None]], str]


HOST_ROOT = os.geteuid() == 0 and outer_user() == 0


def as_descriptor(blob: LayerBlob) -> Descriptor:
    return Descriptor(media_type=blob.media_type, digest=blob.digest, size=blob.size)


def put_tar(store: Store, *members: tuple[str, dict[str, object], bytes]) -> Descriptor:
    """Put a tar stream made of members: name, fields of `TarInfo`, content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, fields, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = 0o644
            for key, value in fields.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return store.blobs.put_bytes(out.getvalue(), OCI_LAYER)


def test_a_committed_tree_is_moved_and_found(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"a/b": "text"})
    assert (store.layers.path(layer) / "a/b").read_text() == "text"
    assert store.layers.exists([layer])
    assert not store.layers.exists([layer, "lmissing"])


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_a_layer_survives_the_way_through_a_blob(
    store: Store, make_layer: MakeLayer, compression: str
) -> None:
    layer = make_layer({"a/b": "text", "empty": None, "large": os.urandom(3 << 20)})
    root = store.layers.path(layer)
    (root / "link").symlink_to("a/b")
    os.link(root / "a/b", root / "second")
    os.mkfifo(root / "fifo", 0o600)
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o4755)
    (root / "a").chmod(0o1777)
    blob = store.layers.to_blob(layer, compression=compression)
    back = store.layers.from_blob(as_descriptor(blob))
    assert tree_digest(store.layers.path(back)) == tree_digest(root)
    twin = store.layers.path(back)
    assert (twin / "a/b").stat().st_ino == (twin / "second").stat().st_ino
    assert store.blobs.verify(blob.digest)


def test_names_and_owners_that_the_old_format_has_no_room_for(
    store: Store, make_layer: MakeLayer
) -> None:
    deep = "/".join(["d" * 60] * 5)
    layer = make_layer({f"{deep}/file": "1", "n" * 200: "2", "ümläut ✓": "3", "tab\tname": "4"})
    root = store.layers.path(layer)
    (root / "long link").symlink_to("t" * 150)
    if HOST_ROOT:
        os.chown(root / "tab\tname", 3_000_000, 3_000_001)
    blob = store.layers.to_blob(layer, compression="uncompressed")
    back = store.layers.from_blob(as_descriptor(blob))
    assert tree_digest(store.layers.path(back)) == tree_digest(root)
    with tarfile.open(store.blobs.path(blob.digest)) as tar:
        names = tar.getnames()
    assert {f"{deep}/file", "n" * 200, "ümläut ✓", "tab\tname", "long link"} <= set(names)


def test_a_blob_says_what_it_is(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"f": "x" * 5000})
    blob = store.layers.to_blob(layer, compression="gzip")
    plain = store.layers.to_blob(layer, compression="uncompressed")
    assert blob.diff_id == plain.diff_id == plain.digest
    data = store.blobs.path(blob.digest).read_bytes()
    assert (blob.digest, blob.size) == (sha256(data), len(data))
    assert blob.media_type == OCI_LAYER + "+gzip"


def test_times_are_clamped_and_nothing_else_decides(store: Store) -> None:
    def made(seconds: int) -> str:
        work = store.new_work("test")
        work.chmod(0o755)
        for name in ("b", "a") if seconds % 2 else ("a", "b"):
            (work / name).write_text(name)
            os.utime(work / name, (seconds, seconds))
        return store.layers.commit(work)

    early, late = made(2_000_000_001), made(2_000_000_002)
    digests = {store.layers.to_blob(layer, epoch=1000).digest for layer in (early, late)}
    assert len(digests) == 1
    assert store.layers.to_blob(early).digest != store.layers.to_blob(late).digest
    old = made(500)
    with tarfile.open(store.blobs.path(store.layers.to_blob(old, epoch=1000).digest)) as tar:
        assert {member.mtime for member in tar} == {500}


def test_whiteouts_and_opaque_directories_keep_their_meaning(
    store: Store, make_layer: MakeLayer
) -> None:
    layer = make_layer({"d/kept": "1"})
    root = store.layers.path(layer)
    os.mknod(root / "gone", stat.S_IFCHR, os.makedev(0, 0))
    os.setxattr(root / "d", "user.overlay.opaque", b"y")
    os.setxattr(root / "d", "user.overlay.impure", b"y")
    blob = store.layers.to_blob(layer, compression="uncompressed")
    with tarfile.open(store.blobs.path(blob.digest)) as tar:
        assert tar.getnames() == ["d", "d/.wh..wh..opq", "d/kept", ".wh.gone"]
    back = store.layers.path(store.layers.from_blob(as_descriptor(blob)))
    found = (back / "gone").lstat()
    assert (stat.S_IFMT(found.st_mode), found.st_rdev) == (stat.S_IFCHR, 0)
    assert os.getxattr(back / "d", "user.overlay.opaque") == b"y"
    assert os.listxattr(back / "d") == ["user.overlay.opaque"]


@pytest.mark.skipif(not HOST_ROOT, reason="only root of the host may make device nodes")
def test_capabilities_and_devices_survive(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"ping": "program"})
    root = store.layers.path(layer)
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(root / "ping", "security.capability", capability)
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    blob = store.layers.to_blob(layer)
    back = store.layers.path(store.layers.from_blob(as_descriptor(blob)))
    assert os.getxattr(back / "ping", "security.capability") == capability
    assert (back / "null").lstat().st_rdev == os.makedev(1, 3)


def test_a_layer_from_a_blob_is_that_blob_again(store: Store) -> None:
    blob = put_tar(store, ("f", {"mtime": 7}, b"content"), ("f2", {}, b""))
    layer = store.layers.from_blob(blob)
    assert store.layers.to_blob(layer).digest == blob.digest
    assert store.layers.to_blob(layer, compression="uncompressed", epoch=1).digest == blob.digest
    packed = store.layers.to_blob(layer, compression="gzip", epoch=1)
    assert packed.diff_id == blob.digest


def test_blobs_are_made_once(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"f": "x"})
    first = store.layers.to_blob(layer)
    status = store.blobs.path(first.digest).stat()
    assert store.layers.to_blob(layer) == first
    assert store.blobs.path(first.digest).stat().st_ino == status.st_ino
    store.blobs.path(first.digest).unlink()
    assert store.layers.to_blob(layer) == first
    assert store.blobs.verify(first.digest)


def test_many_who_want_one_blob_unpacked_get_one_layer(store: Store) -> None:
    blob = put_tar(store, *((f"f{n}", {}, b"x" * n) for n in range(200)))
    with ThreadPoolExecutor(8) as threads:
        layers = set(threads.map(store.layers.from_blob, [blob] * 16))
    assert len(layers) == 1
    assert len(list(store.layers.path(layers.pop()).iterdir())) == 200


def test_names_never_lead_out_of_the_layer(store: Store, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    blob = put_tar(
        store,
        ("../../escape", {}, b"1"),
        ("/absolute", {}, b"2"),
        ("link", {"type": tarfile.SYMTYPE, "linkname": str(outside)}, b""),
        ("link/inside", {}, b"3"),
        ("up", {"type": tarfile.SYMTYPE, "linkname": "../../.."}, b""),
        ("up/x", {}, b"4"),
    )
    root = store.layers.path(store.layers.from_blob(blob))
    assert list(outside.iterdir()) == []
    assert (root / "escape").read_text() == "1"
    assert (root / "absolute").read_text() == "2"
    assert (root / str(outside).lstrip("/") / "inside").read_text() == "3"
    assert (root / "x").read_text() == "4"


def test_later_entries_replace_earlier_ones(store: Store) -> None:
    blob = put_tar(
        store,
        ("a", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""),
        ("a/b", {}, b"1"),
        ("a", {}, b"now a file"),
        ("f", {}, b"1"),
        ("f", {"mode": 0o600}, b"2"),
        ("g", {}, b"1"),
        ("g", {"type": tarfile.DIRTYPE, "mode": 0o700}, b""),
        ("g/h", {}, b"1"),
    )
    root = store.layers.path(store.layers.from_blob(blob))
    assert (root / "a").read_text() == "now a file"
    assert (root / "f").read_text() == "2"
    assert stat.S_IMODE((root / "f").stat().st_mode) == 0o600
    assert (root / "g/h").read_text() == "1"


def test_directories_without_an_entry_are_as_those_below(store: Store) -> None:
    """As tools write layers that list no parents: their owners and modes must not be lost."""
    folder: dict[str, object] = {"type": tarfile.DIRTYPE, "mode": 0o750, "uid": 10, "gid": 20}
    base = put_tar(store, ("srv", folder, b""), ("srv/a", {}, b"1"))
    top = put_tar(store, ("srv/.wh.a", {}, b""), ("srv/b", {}, b"2"), ("new/c", {}, b"3"))
    below, layer = store.layers.from_blobs([base, top])
    root = store.layers.path(layer)
    found = (root / "srv").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o750, 10, 20)
    assert stat.S_IMODE((root / "new").stat().st_mode) == 0o755
    assert store.layers.to_blob(layer).digest == top.digest
    assert store.layers.from_blobs([base, top]) == (below, layer)
    alone = store.layers.path(store.layers.from_blobs([top])[0])
    assert (alone / "srv").stat().st_uid == 0
    again = store.layers.from_blobs([base, put_tar(store, ("srv", {**folder, "mode": 0o700}, b""))])
    assert stat.S_IMODE((store.layers.path(again[1]) / "srv").stat().st_mode) == 0o700


def test_damage_is_found_and_leaves_nothing(store: Store, make_layer: MakeLayer) -> None:
    blob = store.layers.to_blob(make_layer({"f": os.urandom(100_000)}))
    path = store.blobs.path(blob.digest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before = set(store.layers.root.iterdir())
    with pytest.raises(EngineError, match="damaged"):
        store.layers.from_blob(as_descriptor(blob))
    assert set(store.layers.root.iterdir()) == before


def test_a_cut_stream_is_an_error(store: Store) -> None:
    whole = put_tar(store, ("f", {}, b"x" * 2000))
    cut = store.blobs.path(whole.digest).read_bytes()[:1500]
    with pytest.raises(EngineError, match="ends too early"):
        store.layers.from_blob(store.blobs.put_bytes(cut, OCI_LAYER))


def test_an_unknown_compression_names_the_known(store: Store, make_layer: MakeLayer) -> None:
    with pytest.raises(EngineError, match="gzip, zstd and uncompressed"):
        store.layers.to_blob(make_layer({"f": ""}), compression="lzma")


def test_a_part_of_a_layer(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"a/b/c": "1", "a/d": "2", "e": "3"})
    part = store.layers.copy_part(layer, "a")
    assert tree_digest(store.layers.path(part)) == tree_digest(store.layers.path(layer), "a")
    assert store.layers.copy_part(layer, "a/") == part
    with pytest.raises(EngineError, match="no such directory"):
        store.layers.copy_part(layer, "e")


def test_a_tar_is_what_others_read(store: Store, make_layer: MakeLayer) -> None:
    layer = make_layer({"a/f": b"\0" * 513, "z": ""})
    blob = store.layers.to_blob(layer, compression="gzip")
    with tarfile.open(store.blobs.path(blob.digest), "r:gz") as tar:
        file = tar.extractfile("a/f")
        assert file is not None
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(b"\0" * 513).digest()
        assert [member.name for member in tar] == ["a", "a/f", "z"]
        assert {(m.uid, m.gid, m.uname) for m in tar} == {(os.geteuid(), os.getegid(), "")}


@pytest.mark.skipif(HOST_ROOT, reason="root of the host may make device nodes")
def test_device_nodes_are_left_out_where_they_can_not_be(store: Store) -> None:
    blob = put_tar(
        store,
        ("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
        ("f", {}, b"x"),
    )
    root = store.layers.path(store.layers.from_blob(blob))
    assert [path.name for path in root.iterdir()] == ["f"]
