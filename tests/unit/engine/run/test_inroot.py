"""No symlink, no `..` and no magic link leads out of a root."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from keelway.engine.run.inroot import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    inside = tmp_path / "root"
    (inside / "etc").mkdir(parents=True)
    (inside / "etc" / "passwd").write_text("inside")
    (inside / "abs").symlink_to("/etc")
    (inside / "up").symlink_to("../../../../etc")
    (inside / "dangling").symlink_to("/srv/later")
    (inside / "loop").symlink_to("loop")
    (inside / "magic").symlink_to("/proc/self/root")
    (inside / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("outside")
    return Root(inside)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "etc/passwd", "abs/passwd", "up/passwd", "../../etc/passwd", "/../up/passwd"],
)
def test_paths_are_the_containers(root: Root, path: str) -> None:
    assert root.read_file(path) == b"inside"
    assert root.resolve(path) == PurePosixPath("/etc/passwd")


@pytest.mark.parametrize("path", ["out", "magic/etc/passwd", "/proc/self/root/etc/passwd"])
def test_nothing_outside_is_reached(root: Root, path: str) -> None:
    with pytest.raises(OSError, match=r".*"):
        root.read_file(path)
    assert not root.exists(path)


def test_writing_goes_through_a_dangling_link_inside(root: Root, tmp_path: Path) -> None:
    assert root.resolve("dangling/x") == PurePosixPath("/srv/later/x")
    assert root.mkdir_all("dangling/x", mode=0o750) == [
        PurePosixPath("/srv"),
        PurePosixPath("/srv/later"),
        PurePosixPath("/srv/later/x"),
    ]
    assert (tmp_path / "root/srv/later/x").stat().st_mode & 0o7777 == 0o750
    root.symlink("/var/new", "pointer")
    root.mkdir_all("/var")
    root.write_file("pointer", b"data", mode=0o600)
    assert (tmp_path / "root/var/new").read_bytes() == b"data"
    assert (tmp_path / "root/var/new").stat().st_mode & 0o7777 == 0o600


def test_a_link_out_of_the_root_is_written_inside(root: Root, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        root.write_file("out", b"overwritten")
    root.mkdir_all(str(tmp_path))
    root.write_file("out", b"inside now")
    assert (tmp_path / "secret").read_text() == "outside"
    assert (tmp_path / "root" / str(tmp_path)[1:] / "secret").read_text() == "inside now"


def test_mkdir_all_changes_nothing_that_is_there(root: Root, tmp_path: Path) -> None:
    (tmp_path / "root/etc").chmod(0o711)
    assert root.mkdir_all("/etc", mode=0o700) == []
    assert root.mkdir_all("/etc/a/b", mode=0o700) != []
    assert (tmp_path / "root/etc").stat().st_mode & 0o777 == 0o711
    with pytest.raises(NotADirectoryError):
        root.mkdir_all("/etc/passwd/below")


def test_loops_end(root: Root) -> None:
    with pytest.raises(OSError, match="symbolic links"):
        root.resolve("loop/x")


def test_the_root_itself(root: Root) -> None:
    assert root.is_dir("/")
    assert root.resolve("..") == PurePosixPath("/")
    assert "etc" in root.names("/")
    with pytest.raises(OSError, match="busy"), root.parent("/"):
        pass


def test_a_device_or_pipe_is_not_read(root: Root, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "root" / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        root.read_file("pipe")


def test_a_symlink_replaces_nothing(root: Root) -> None:
    root.symlink("elsewhere", "/etc/link")
    assert root.readlink("/etc/link") == "elsewhere"
    for taken in ("/etc", "/etc/passwd", "/etc/link"):
        with pytest.raises(FileExistsError):
            root.symlink("elsewhere", taken)
