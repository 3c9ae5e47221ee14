"""A layer out of a tar file of extracted packages."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.rootfs.layer import make_layer

if TYPE_CHECKING:
    from pathlib import Path

STARTED = 2_000_000_000
PACKAGED = 1_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One member of the tar file."""

    path: str
    content: bytes | None = None
    link: str = ""
    kind: bytes = tarfile.REGTYPE
    mode: int = 0o644
    mtime: int = PACKAGED
    uid: int = 0


def archive(path: Path, *items: Item) -> Path:
    """Write a tar file as mmdebstrap does: names begin with `./`."""
    with tarfile.open(path, "w") as out:
        for item in items:
            info = tarfile.TarInfo(f"./{item.path}")
            info.type, info.mode, info.mtime, info.uid = item.kind, item.mode, item.mtime, item.uid
            info.linkname = item.link
            info.size = len(item.content or b"")
            out.addfile(info, io.BytesIO(item.content or b""))
    return path


def members(layer: Path) -> dict[str, tarfile.TarInfo]:
    """Return the headers of a layer by path."""
    with tarfile.open(layer) as found:
        return {info.name: info for info in found}


def content(layer: Path, name: str) -> bytes:
    """Return the content of a file in a layer."""
    with tarfile.open(layer) as found:
        stream = found.extractfile(name)
        assert stream is not None
        return stream.read()


TREE = (
    Item(path="usr", kind=tarfile.DIRTYPE, mode=0o755, mtime=STARTED + 5),
    Item(path="usr/bin", kind=tarfile.DIRTYPE, mode=0o755),
    Item(path="usr/bin/tool", content=b"tool", mode=0o4755),
    Item(path="usr/share/man/man1/tool.1", content=b"manual"),
    Item(path="etc/hostname", content=b"the-host", mtime=STARTED + 5),
    Item(path="var/lib/dpkg/status", content=b"Package: tool\n", mtime=STARTED + 5),
)


def test_the_same_packages_give_the_same_bytes_whenever_and_in_whatever_order(
    tmp_path: Path,
) -> None:
    first = make_layer(archive(tmp_path / "a.tar", *TREE), tmp_path / "a", started=STARTED)
    later = [
        Item(
            path=item.path,
            content=item.content,
            kind=item.kind,
            mode=item.mode,
            mtime=item.mtime + 9999 if item.mtime > STARTED else item.mtime,
        )
        for item in reversed(TREE)
    ]
    second = make_layer(archive(tmp_path / "b.tar", *later), tmp_path / "b", started=STARTED + 9999)
    assert (first.digest, first.diff_id) == (second.digest, second.diff_id)


def test_digests_and_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    layer = make_layer(archive(tmp_path / "a.tar", *TREE), tmp_path / "a", started=STARTED)
    data = layer.path.read_bytes()
    assert layer.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert layer.size == len(data)
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"


def test_no_time_is_newer_than_the_newest_package_file(tmp_path: Path) -> None:
    items = (*TREE, Item(path="usr/bin/old", content=b"", mtime=PACKAGED - 50))
    layer = make_layer(archive(tmp_path / "a.tar", *items), tmp_path / "a", started=STARTED)
    found = members(layer.path)
    assert layer.epoch == PACKAGED
    assert found["usr/bin/old"].mtime == PACKAGED - 50
    assert {info.mtime for info in found.values()} == {PACKAGED, PACKAGED - 50}


def test_an_epoch_that_is_given_wins(tmp_path: Path) -> None:
    layer = make_layer(archive(tmp_path / "a.tar", *TREE), tmp_path / "a", started=STARTED, epoch=9)
    assert {info.mtime for info in members(layer.path).values()} == {9}


def test_modes_stay_and_what_is_excluded_goes(tmp_path: Path) -> None:
    layer = make_layer(archive(tmp_path / "a.tar", *TREE), tmp_path / "a", started=STARTED)
    found = members(layer.path)
    assert found["usr/bin/tool"].mode == 0o4755
    assert "usr/share/man/man1/tool.1" not in found
    assert "etc/hostname" not in found
    assert "var/lib/dpkg/status" in found
    assert (found["tmp"].mode, found["home/nonroot"].uid) == (0o1777, 65532)


def test_what_is_not_needed_is_not_there_and_dpkg_knows_its_package(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", *TREE)
    layer = make_layer(file, tmp_path / "a", started=STARTED, leave_out=["usr/*/tool"])
    found = members(layer.path)
    assert "usr/bin/tool" not in found
    assert {"usr/bin", "var/lib/dpkg/status"} <= found.keys()


def test_a_hard_link_outlives_the_name_that_is_left_out(tmp_path: Path) -> None:
    items = (
        Item(path="usr/share/man/first", content=b"shared"),
        Item(path="usr/bin/second", kind=tarfile.LNKTYPE, link="./usr/share/man/first"),
        Item(path="usr/bin/third", kind=tarfile.LNKTYPE, link="./usr/share/man/first"),
    )
    layer = make_layer(archive(tmp_path / "a.tar", *items), tmp_path / "a", started=STARTED)
    found = members(layer.path)
    assert found["usr/bin/second"].isreg()
    assert found["usr/bin/third"].islnk()
    assert found["usr/bin/third"].linkname == "usr/bin/second"
    assert content(layer.path, "usr/bin/third") == b"shared"


def test_a_hard_link_never_comes_before_its_file(tmp_path: Path) -> None:
    items = (
        Item(path="usr/bin/z", content=b"shared"),
        Item(path="usr/bin/a", kind=tarfile.LNKTYPE, link="./usr/bin/z"),
    )
    layer = make_layer(archive(tmp_path / "a.tar", *items), tmp_path / "a", started=STARTED)
    found = members(layer.path)
    assert found["usr/bin/a"].isreg()
    assert found["usr/bin/z"].linkname == "usr/bin/a"
    assert content(layer.path, "usr/bin/z") == b"shared"


def test_accounts_and_certificates_are_made_of_what_the_packages_bring(tmp_path: Path) -> None:
    items = (
        Item(
            path="usr/share/base-passwd/passwd.master", content=b"root:*:0:0:root:/root:/bin/sh\n"
        ),
        Item(path="usr/share/ca-certificates/mozilla/B.crt", content=b"BBB\n\n"),
        Item(path="usr/share/ca-certificates/mozilla/A.crt", content=b"AAA"),
    )
    layer = make_layer(archive(tmp_path / "a.tar", *items), tmp_path / "a", started=STARTED)
    assert content(layer.path, "etc/ssl/certs/ca-certificates.crt") == b"AAA\nBBB\n"
    assert content(layer.path, "etc/passwd").decode().splitlines() == [
        "root:x:0:0:root:/root:/bin/sh",
        "nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin",
    ]
    assert b"nonroot:x:65532:" in content(layer.path, "etc/group")


def test_bytecode_is_taken_over_only_where_the_sources_are_the_same(tmp_path: Path) -> None:
    cache = "usr/lib/python3.11/__pycache__"
    donor = archive(
        tmp_path / "donor.tar",
        Item(path="usr/lib/python3.11/same.py", content=b"x = 1"),
        Item(path="usr/lib/python3.11/other.py", content=b"x = 1"),
        Item(path=f"{cache}/same.cpython-311.pyc", content=b"S", mtime=STARTED + 1),
        Item(path=f"{cache}/other.cpython-311.pyc", content=b"O", mtime=STARTED + 1),
        Item(path=f"{cache}/gone.cpython-311.pyc", content=b"G", mtime=STARTED + 1),
    )
    mine = archive(
        tmp_path / "a.tar",
        Item(path="usr/lib/python3.11/same.py", content=b"x = 1"),
        Item(path="usr/lib/python3.11/other.py", content=b"x = 2"),
    )
    layer = make_layer(mine, tmp_path / "a", started=STARTED, donor=donor)
    assert content(layer.path, f"{cache}/same.cpython-311.pyc") == b"S"
    assert [name for name in members(layer.path) if name.endswith(".pyc")] == [
        f"{cache}/same.cpython-311.pyc"
    ]
    assert members(layer.path)[cache].isdir()
