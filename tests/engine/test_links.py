"""Links in a tree: they name things of that tree, never of the host; caches see through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

from tests.support.shell import output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


async def test_pattern_behind_a_link_removes_nothing_of_the_host(
    dag: dagger.Client, tmp_path: Path, local_only: None
) -> None:
    del local_only
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "folder").mkdir()
    linked = dag.directory().with_symlink(str(tmp_path), "link")
    for gone in (linked.without_file("*/precious"), linked.without_directory("l*k/folder")):
        assert await gone.entries() == ["link"]
    assert names_in(tmp_path) == ["folder", "precious"]


async def test_pattern_with_folders_removes_in_the_tree(dag: dagger.Client) -> None:
    tree = dag.directory()
    for path in ("a/x.txt", "b/x.txt", "b/y.txt", "c/d/x.txt"):
        tree = tree.with_new_file(path, path)
    assert await tree.without_file("*/x.txt").glob("**/*.txt") == ["b/y.txt", "c/d/x.txt"]


async def test_difference_does_not_look_at_the_host(
    dag: dagger.Client, tmp_path: Path, local_only: None
) -> None:
    del local_only
    (tmp_path / "precious").write_text("same")
    lower = dag.directory().with_symlink(str(tmp_path), "etc")
    upper = dag.directory().with_new_file("etc/precious", "same")
    assert await lower.diff(upper).glob("**/*") == ["etc/", "etc/precious"]


async def test_ignore_file_behind_a_link_is_not_read(
    dag: dagger.Client, tmp_path: Path, local_only: None
) -> None:
    del local_only
    (tmp_path / "rules").write_text("a.txt\n")
    tree = (
        dag.directory().with_new_file("a.txt", "a").with_symlink(f"{tmp_path}/rules", ".gitignore")
    )
    assert "a.txt" in await tree.filter(gitignore=True).entries()


@pytest.mark.parametrize("source", ["link.txt", "cur/a.txt", "cur", "cur/*.txt"])
async def test_copy_through_a_link_sees_what_changed(
    samples: SampleImages, new_session: NewSession, tmp_path: Path, nonce: str, source: str
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to("real/a.txt")
    (tmp_path / "cur").symlink_to("real")
    text = (
        f"FROM {samples.busybox}\nENV N={nonce}\nCOPY {source} /out/\nRUN cat /out/*.txt > /said\n"
    )
    (tmp_path / "Dockerfile").write_text(text)
    for contents in ("first", "second"):
        (tmp_path / "real/a.txt").write_text(contents)
        client = await new_session()
        built = client.host().directory(str(tmp_path)).docker_build()
        assert await built.file("/said").contents() == contents


async def test_writable_mounts_of_equal_trees_keep_their_own_paths(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    one = dag.directory().with_new_file("x/f", nonce).directory("x")
    other = dag.directory().with_new_file("deep/y/f", nonce).directory("deep/y")
    for source in (one, other):
        done = base.with_mounted_directory("/m", source).with_exec(["sh", "-c", "echo 1 > /m/new"])
        assert await done.directory("/m").entries() == ["f", "new"]


async def test_locked_caches_in_any_order_do_not_wait_for_each_other(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    names = [dag.cache_volume(f"{nonce}-{name}") for name in ("a", "b")]
    locked = dagger.CacheSharingMode.LOCKED

    async def use(first: dagger.CacheVolume, second: dagger.CacheVolume, mark: str) -> None:
        ready = base.with_mounted_cache("/one", first, sharing=locked)
        ready = ready.with_mounted_cache("/two", second, sharing=locked)
        assert await output(ready, f"sleep 0.3; echo {mark}") == f"{mark}\n"

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(4):
                ordered = names if number % 2 else list(reversed(names))
                group.start_soon(use, ordered[0], ordered[1], f"{nonce}-{number}")
        await use(names[0], names[0], f"{nonce}-twice")


async def test_what_is_redirected_into_a_temp_mount_goes_with_it(base: dagger.Container) -> None:
    done = base.with_mounted_temp("/t").with_exec(["echo", "x"], redirect_stdout="/t/x")
    assert await done.stdout() == "x\n"
    assert await output(done, "ls /t") == ""
    with pytest.raises(dagger.QueryError, match="no such file"):
        await done.with_exec(["cat"], redirect_stdin="/t/x").stdout()
