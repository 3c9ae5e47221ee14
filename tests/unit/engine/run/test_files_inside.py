"""Archives between the engine and containers: what goes in comes out, and nowhere else."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from keelway.engine.run.files_inside import pack, unpack
from tests.support.shell import listing, mode_of, write_tree

if TYPE_CHECKING:
    from pathlib import Path


def archive(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """Return an archive of members: name, type, and where links point to."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    stream.seek(0)
    return stream


def test_tree_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "source", {"a/f": "x", "a/empty/": "", "g": "y"})
    (source / "g").chmod(0o751)
    (source / "link").symlink_to("/nowhere")
    (source / "twin").hardlink_to(source / "g")
    stream = io.BytesIO()
    pack(stream, source)
    stream.seek(0)
    dest = write_tree(tmp_path / "dest", {"a/old": "kept", "g/in/the/way": "gone"})
    unpack(stream, dest)
    assert listing(dest) == ["a", "a/empty", "a/f", "a/old", "g", "link", "twin"]
    assert mode_of(dest / "g") == 0o751
    assert (dest / "twin").samefile(dest / "g")
    assert str((dest / "link").readlink()) == "/nowhere"
    assert (dest / "a/f").stat().st_mtime == pytest.approx((source / "a/f").stat().st_mtime)


@pytest.mark.parametrize(
    "members",
    [
        [("/absolute/name", tarfile.REGTYPE, "")],
        [("/", tarfile.REGTYPE, "")],
        [("/keelway-absolute", tarfile.REGTYPE, "")],
        [("../up", tarfile.REGTYPE, "")],
        [("a/b", tarfile.REGTYPE, "")],
        [("a", tarfile.SYMTYPE, "/tmp"), ("a/b", tarfile.REGTYPE, "")],
        [("a", tarfile.DIRTYPE, ""), ("a", tarfile.SYMTYPE, "/"), ("a/b", tarfile.REGTYPE, "")],
        [("a", tarfile.LNKTYPE, "../outside")],
    ],
    ids=[
        "absolute",
        "root",
        "at the root",
        "upwards",
        "no folder",
        "below a link",
        "folder turned link",
        "foreign link",
    ],
)
def test_members_stay_in_the_folder(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    (tmp_path / "outside").write_text("x")
    dest = tmp_path / "dest"
    dest.mkdir()
    with pytest.raises(OSError, match="not in a folder of the archive"):
        unpack(archive(*members), dest)
    assert listing(tmp_path / "dest") in ([], ["a"])
