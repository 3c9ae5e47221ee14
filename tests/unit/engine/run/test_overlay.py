"""Merged views: order, depth, deletions, and mounts that go away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run import overlay
from keelway.engine.run.overlay import bind, mount_overlay, tmpfs
from tests.unit.engine.run.sandboxed import in_sandbox

if TYPE_CHECKING:
    from keelway.engine.run.enter import Sandbox


def layer(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def places(sandbox: Sandbox) -> tuple[Path, Path, Path]:
    made = [sandbox.state_dir / name for name in ("upper", "work", "target")]
    for path in made:
        path.mkdir()
    return made[0], made[1], made[2]


def mounts() -> int:
    return len(Path("/proc/self/mounts").read_text().splitlines())


def test_the_last_layer_is_on_top(tmp_path: Path) -> None:
    low = layer(tmp_path / "low", a="low", b="low")
    high = layer(tmp_path / "a:b,c d", a="high")

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        before = mounts()
        with mount_overlay([low, high], upper=upper, work=work, target=target):
            assert (target / "a").read_text() == "high"
            (target / "b").unlink()
            (target / "c").write_text("new")
        assert mounts() == before
        assert not list(target.iterdir())
        with mount_overlay([low, high, upper], upper=None, work=None, target=target):
            assert sorted(path.name for path in target.iterdir()) == ["a", "c"]
            with pytest.raises(OSError, match="Read-only"):
                (target / "d").touch()

    in_sandbox(work)
    assert (low / "b").exists()


def test_a_directory_made_anew_hides_the_old_one(tmp_path: Path) -> None:
    low = layer(tmp_path / "low" / "dir", old="x").parent

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        with mount_overlay([low], upper=upper, work=work, target=target):
            (target / "dir" / "old").unlink()
            (target / "dir").rmdir()
            (target / "dir").mkdir()
        with mount_overlay([low, upper], upper=None, work=None, target=target):
            assert not list((target / "dir").iterdir())

    in_sandbox(work)


@pytest.mark.parametrize("depth", [1, 2, 120, 195, 196, 197, 350])
def test_depth(tmp_path: Path, depth: int) -> None:
    layers = [layer(tmp_path / str(n), top=str(n), **{f"f{n}": ""}) for n in range(depth)]

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        before = mounts()
        with mount_overlay(layers, upper=upper, work=work, target=target):
            assert (target / "top").read_text() == str(depth - 1)
            assert len(list(target.iterdir())) == depth + 1
            (target / "f0").unlink()
        assert mounts() == before
        with mount_overlay([*layers, upper], upper=None, work=None, target=target):
            assert len(list(target.iterdir())) == depth
        assert mounts() == before

    in_sandbox(work)


def test_every_count_around_the_limit_of_one_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlay, "OPTION_BYTES", 120 + 5 * len("/proc/self/fd/10:"))
    layers = [layer(tmp_path / str(n), **{f"f{n}": ""}) for n in range(12)]

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        for count in range(2, 10):
            fresh = upper / str(count), work / str(count)
            for path in fresh:
                path.mkdir()
            with mount_overlay(layers[:count], upper=fresh[0], work=fresh[1], target=target):
                assert len(list(target.iterdir())) == count
        with pytest.raises(EngineError, match="12 layers are more than the 9"):
            mount_overlay(layers, upper=upper, work=work, target=target)

    in_sandbox(work)


def test_equal_layers_count_once(tmp_path: Path) -> None:
    one, two = layer(tmp_path / "1", a="1"), layer(tmp_path / "2", a="2")

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        with mount_overlay([one, two, one], upper=upper, work=work, target=target):
            assert (target / "a").read_text() == "1"

    in_sandbox(work)


def test_none_and_one(tmp_path: Path) -> None:
    one = layer(tmp_path / "1", a="1")

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        with mount_overlay([], upper=None, work=None, target=target):
            assert not list(target.iterdir())
            with pytest.raises(OSError, match="Read-only"):
                (target / "x").touch()
        with mount_overlay([one], upper=None, work=None, target=target):
            assert (target / "a").read_text() == "1"
            with pytest.raises(OSError, match="Read-only"):
                (target / "x").touch()
        with mount_overlay([], upper=upper, work=work, target=target):
            (target / "x").touch()
        assert (upper / "x").exists()
        with pytest.raises(ValueError, match="work directory"):
            mount_overlay([one], upper=upper, work=None, target=target)

    in_sandbox(work)


def test_a_busy_mount_goes_with_its_last_user(tmp_path: Path) -> None:
    one = layer(tmp_path / "1", a="1")

    def work(sandbox: Sandbox) -> None:
        upper, work, target = places(sandbox)
        before = mounts()
        with mount_overlay([one], upper=upper, work=work, target=target):
            held = (target / "a").open()
        assert mounts() == before
        assert held.read() == "1"
        held.close()
        overlay.unmount(target)  # nothing is mounted: nothing happens

    in_sandbox(work)


def test_a_refused_mount_leaves_none(tmp_path: Path) -> None:
    one = layer(tmp_path / "1", a="1")

    def work(sandbox: Sandbox) -> None:
        upper, _, target = places(sandbox)
        before = mounts()
        for work in (target / "missing", tmp_path):  # the second is on another file system
            with pytest.raises(OSError, match=r"missing|target"):
                mount_overlay([one], upper=upper, work=work, target=target)
        assert mounts() == before

    in_sandbox(work)


def test_bind_and_tmpfs(tmp_path: Path) -> None:
    one = layer(tmp_path / "1", a="1")

    def work(sandbox: Sandbox) -> None:
        _, _, target = places(sandbox)
        with tmpfs(target, size_bytes=1 << 20, mode=0o700):
            assert target.stat().st_mode & 0o777 == 0o700
            with pytest.raises(OSError, match="No space"):
                (target / "big").write_bytes(bytes(2 << 20))
        with bind(one, target, readonly=True), pytest.raises(OSError, match="Read-only"):
            (target / "x").touch()
        with bind(one, target):
            (target / "x").touch()
        assert (one / "x").exists()

    in_sandbox(work)
