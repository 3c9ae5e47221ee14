"""Mounted directories, files and temporary folders: writable copies that stay out of the rootfs."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import output, settle, shell


@pytest.fixture
def tree(dag: dagger.Client) -> dagger.Directory:
    """A small directory to mount."""
    return dag.directory().with_new_file("a.txt", "a").with_new_file("sub/b.txt", "b")


async def test_mount_hides_what_was_at_its_path(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_new_file("/m/hidden", "x").with_mounted_directory("/m", tree)
    assert await output(ready, "ls /m") == "a.txt\nsub\n"
    assert await ready.directory("/m").entries() == ["a.txt", "sub/"]


async def test_writes_to_a_mount_follow_the_chain_but_not_the_source(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    first = shell(base.with_mounted_directory("/m", tree), "echo one > /m/new; rm /m/a.txt")
    assert await output(first, "ls /m; cat /m/new") == "new\nsub\none\n"
    assert await first.file("/m/new").contents() == "one\n"
    assert await tree.entries() == ["a.txt", "sub/"]


async def test_mounts_never_reach_the_rootfs(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    done = shell(base.with_mounted_directory("/m", tree), "echo x > /m/new; echo y > /outside")
    assert await done.rootfs().exists("m") is False
    assert await done.rootfs().file("outside").contents() == "y\n"


async def test_read_only_mount_refuses_writes(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_mounted_directory("/m", tree, read_only=True)
    assert await output(ready, "touch /m/x 2>/dev/null || echo refused; cat /m/a.txt") == (
        "refused\na"
    )


async def test_mounted_file_is_a_writable_copy(dag: dagger.Client, base: dagger.Container) -> None:
    ready = base.with_mounted_file("/m/f", dag.file("f", "before\n"))
    done = shell(ready, "cat /m/f; echo after >> /m/f")
    assert await done.stdout() == "before\n"
    assert await output(done, "cat /m/f") == "before\nafter\n"
    assert await done.file("/m/f").contents() == "before\nafter\n"


async def test_later_mount_at_a_path_replaces_the_earlier(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    other = dag.directory().with_new_file("other", "o")
    ready = base.with_mounted_directory("/m", tree).with_mounted_directory("/m", other)
    assert await output(ready, "ls /m") == "other\n"
    assert await ready.mounts() == ["/m"]


async def test_mount_over_a_parent_drops_the_children(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    other = dag.directory().with_new_file("other", "o")
    ready = base.with_mounted_directory("/m/child", tree).with_mounted_directory("/m", other)
    assert await ready.mounts() == ["/m"]
    assert await output(ready, "ls /m") == "other\n"


async def test_mount_inside_a_mount_is_seen(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    inner = dag.directory().with_new_file("in", "i")
    ready = base.with_mounted_directory("/m", tree).with_mounted_directory("/m/sub/x", inner)
    assert await output(ready, "ls /m /m/sub/x") == "/m:\na.txt\nsub\n\n/m/sub/x:\nin\n"


async def test_unmounting_reveals_the_rootfs_not_an_older_mount(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_new_file("/m/root", "r").with_mounted_directory("/m", tree)
    ready = ready.with_mounted_directory("/m", dag.directory()).without_mount("/m")
    assert await output(ready, "ls /m") == "root\n"
    assert await ready.mounts() == []


async def test_mounts_are_listed_in_order(dag: dagger.Client, base: dagger.Container) -> None:
    ready = (
        base.with_mounted_directory("/z", dag.directory())
        .with_mounted_file("/f", dag.file("f", ""))
        .with_mounted_cache("/cache", dag.cache_volume("mounts-are-listed"))
        .with_mounted_temp("/a")
    )
    assert await ready.mounts() == ["/z", "/f", "/cache", "/a"]


async def test_files_put_into_a_mount_edit_its_copy(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_mounted_directory("/m", tree).with_file("/m/put", dag.file("p", "put"))
    ready = ready.with_directory("/m/dir", tree).with_new_file("/m/new", "new")
    assert await output(ready, "cat /m/put /m/dir/a.txt /m/new") == "putanew"
    assert await ready.rootfs().exists("m") is False
    assert await tree.exists("put") is False


async def test_file_placed_exactly_on_a_mounted_file_unmounts_it(
    dag: dagger.Client, base: dagger.Container
) -> None:
    ready = base.with_mounted_file("/f", dag.file("f", "mounted"))
    ready = ready.with_file("/f", dag.file("f", "placed"))
    assert await ready.mounts() == []
    assert await ready.rootfs().file("f").contents() == "placed"


async def test_files_removed_from_a_mount_are_gone_there(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_mounted_directory("/m", tree).without_file("/m/a.txt")
    assert await output(ready, "ls /m") == "sub\n"


async def test_owner_of_a_mount_is_changed_for_all_below(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_mounted_directory("/m", tree, owner="app:staff")
    assert await output(ready, "stat -c %u:%g /m /m/sub/b.txt") == "1000:50\n1000:50\n"


async def test_mounts_expand_their_path_when_asked(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_env_variable("AT", "/mnt/x").with_mounted_directory("$AT", tree, expand=True)
    assert await ready.mounts() == ["/mnt/x"]


async def test_relative_mount_is_below_the_workdir(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_workdir("/srv").with_mounted_directory("m", tree)
    assert await ready.mounts() == ["/srv/m"]
    assert await output(ready, "cat m/a.txt") == "a"


async def test_temporary_folder_is_new_for_each_exec(base: dagger.Container) -> None:
    first = shell(base.with_mounted_temp("/t"), "echo x > /t/gone; ls /t")
    assert await first.stdout() == "gone\n"
    assert await output(first, "ls -A /t; grep ' /t ' /proc/mounts | cut -d' ' -f3") == "tmpfs\n"


async def test_temporary_folder_has_the_size_that_was_asked_for(base: dagger.Container) -> None:
    ready = base.with_mounted_temp("/t", size=1024 * 1024)
    said = await output(ready, "head -c 3000000 /dev/zero > /t/big 2>/dev/null || echo full")
    assert said == "full\n"


async def test_paths_below_temporary_folders_cannot_be_taken(base: dagger.Container) -> None:
    ready = base.with_mounted_temp("/t")
    with pytest.raises(dagger.QueryError, match="f: cannot retrieve path from tmpfs"):
        await settle(ready.file("/t/f"))


async def test_mounted_directory_of_another_container_carries_its_files(
    base: dagger.Container,
) -> None:
    made = shell(base, "mkdir /out; seq 1 3 > /out/numbers").directory("/out")
    assert await output(base.with_mounted_directory("/in", made), "tail -1 /in/numbers") == "3\n"


async def test_failed_source_of_a_mount_is_the_error(base: dagger.Container) -> None:
    bad = base.with_exec(["sh", "-c", "mkdir /d; exit 8"]).directory("/d")
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_mounted_directory("/in", bad).with_exec(["true"]))
    assert caught.value.exit_code == 8


async def test_mount_point_has_the_time_of_what_is_mounted(
    dag: dagger.Client, base: dagger.Container
) -> None:
    dated = dag.directory().with_new_file("f", "x").with_timestamps(1_000_000_000)
    ready = base.with_mounted_directory("/m", dated)
    assert await output(ready, "stat -c %Y /m") == "1000000000\n"
