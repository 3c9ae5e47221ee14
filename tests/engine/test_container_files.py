"""Files and directories of a container: reading, placing, removing, owners, links."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import output, settle


@pytest.fixture
def tree(dag: dagger.Client) -> dagger.Directory:
    """A small directory to put into containers."""
    return dag.directory().with_new_file("a.txt", "a").with_new_file("sub/b.txt", "b")


async def test_relative_paths_start_at_the_workdir(base: dagger.Container) -> None:
    ready = base.with_workdir("/srv").with_new_file("x/f", "here")
    assert await ready.file("/srv/x/f").contents() == "here"
    assert await ready.file("x/f").contents() == "here"
    assert await ready.directory("x").entries() == ["f"]


async def test_file_and_directory_say_when_they_are_the_other(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="path /etc/passwd is a file, not a directory"):
        await settle(base.directory("/etc/passwd"))
    with pytest.raises(dagger.QueryError, match="path /etc is a directory, not a file"):
        await settle(base.file("/etc"))


async def test_missing_path_is_told_by_its_last_part(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="none: no such file or directory"):
        await settle(base.file("/etc/none"))
    with pytest.raises(dagger.QueryError, match="none: no such file or directory"):
        await settle(base.directory("/etc/none"))


async def test_paths_expand_when_asked(base: dagger.Container) -> None:
    ready = base.with_env_variable("WHERE", "/srv").with_new_file("$WHERE/f", "x", expand=True)
    assert await ready.file("/srv/f").contents() == "x"
    assert await ready.file("${WHERE}/f", expand=True).contents() == "x"


async def test_links_are_followed_inside_the_container(base: dagger.Container) -> None:
    ready = base.with_symlink("/etc", "/link")
    assert (await ready.file("/link/passwd").contents()).startswith("root:")
    assert await output(ready, "readlink /link") == "/etc\n"


async def test_links_cannot_lead_out_of_the_root(base: dagger.Container) -> None:
    ready = base.with_symlink("../../../../../etc/passwd", "/srv/escape")
    assert await ready.file("/srv/escape").contents() == await base.file("/etc/passwd").contents()


async def test_directory_contents_are_merged_over_what_is_there(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_new_file("/srv/kept", "k").with_new_file("/srv/a.txt", "old")
    ready = ready.with_directory("/srv", tree)
    assert await ready.directory("/srv").entries() == ["a.txt", "kept", "sub/"]
    assert await ready.file("/srv/a.txt").contents() == "a"


async def test_directory_include_and_exclude_choose(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_directory("/srv", tree, include=["**/*.txt"], exclude=["a.txt"])
    assert await ready.directory("/srv").glob("**/*") == ["sub/", "sub/b.txt"]


async def test_container_ignores_permissions_of_a_directory(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_directory("/srv", tree, permissions=0o700)
    assert await output(ready, "stat -c %a /srv/a.txt") == "644\n"


async def test_file_goes_into_a_directory_under_its_own_name(
    dag: dagger.Client, base: dagger.Container
) -> None:
    file = dag.file("named.txt", "x")
    assert await base.with_file("/etc", file).file("/etc/named.txt").contents() == "x"
    assert await base.with_file("/new/", file).file("/new/named.txt").contents() == "x"
    assert await base.with_file("/new", file).file("/new").contents() == "x"


async def test_files_go_into_a_directory_by_their_names(
    dag: dagger.Client, base: dagger.Container
) -> None:
    ready = base.with_files("/srv", [dag.file("a", "1"), dag.file("b", "2")])
    assert await ready.directory("/srv").entries() == ["a", "b"]


async def test_new_file_sets_its_mode_even_over_an_old_one(base: dagger.Container) -> None:
    ready = base.with_new_file("/f", "old", permissions=0o600).with_new_file("/f", "new")
    assert await output(ready, "stat -c %a /f; cat /f") == "644\nnew"


@pytest.mark.parametrize(
    ("owner", "ids"),
    [
        ("1000:50", "1000:50"),
        ("app:audio", "1000:29"),
        ("app", "1000:1000"),
        ("worker", "1001:1001"),
        ("4321", "4321:4321"),
        ("root", "0:0"),
    ],
)
async def test_owner_is_looked_up_and_its_group_is_its_own_number(
    base: dagger.Container, owner: str, ids: str
) -> None:
    ready = base.with_new_file("/f", "x", owner=owner)
    assert await output(ready, "stat -c %u:%g /f") == f"{ids}\n"


async def test_owner_of_a_directory_holds_for_all_below(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_directory("/t", tree, owner="app:staff")
    said = await output(ready, "stat -c %u:%g /t /t/a.txt /t/sub /t/sub/b.txt")
    assert said == "1000:50\n" * 4


async def test_unknown_owner_is_an_error(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="no such user: ghost"):
        await settle(base.with_new_file("/f", "x", owner="ghost"))


async def test_owner_is_not_taken_from_the_user(base: dagger.Container) -> None:
    ready = base.with_user("app").with_new_file("/f", "x")
    assert await output(ready, "stat -c %u:%g /f") == "0:0\n"


async def test_numeric_owner_needs_no_passwd_file(dag: dagger.Client) -> None:
    made = dag.container().with_new_file("/f", "x", owner="7:8")
    assert await made.file("/f").contents() == "x"


async def test_removals_take_patterns_and_forgive_missing_names(base: dagger.Container) -> None:
    ready = base.with_new_file("/srv/a.log", "").with_new_file("/srv/b.log", "")
    ready = ready.with_new_file("/srv/c.txt", "").with_new_file("/srv/d/e", "")
    assert await ready.without_file("/srv/*.log").directory("/srv").entries() == ["c.txt", "d/"]
    gone = ready.without_files(["/srv/a.log", "/srv/none"]).without_directory("/srv/d")
    assert await gone.directory("/srv").entries() == ["b.log", "c.txt"]
    assert await output(gone, "ls /srv") == "b.log\nc.txt\n"


async def test_removed_image_files_are_gone_in_execs(base: dagger.Container) -> None:
    ready = base.without_file("/etc/passwd").without_directory("/home")
    assert await output(ready, "ls -d /etc/passwd /home 2>/dev/null || echo gone") == "gone\n"


async def test_removed_workdir_comes_back_empty_with_the_next_exec(base: dagger.Container) -> None:
    ready = base.with_workdir("/srv").with_new_file("f", "x").without_directory("")
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await settle(ready.directory("."))
    assert await output(ready, "pwd; ls -A") == "/srv\n"


async def test_directory_replaced_after_removal_hides_the_old_files(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    ready = base.with_new_file("/srv/old", "x").without_directory("/srv")
    ready = ready.with_directory("/srv", tree).with_exec(["ls", "/srv"])
    assert await ready.stdout() == "a.txt\nsub\n"


async def test_deletion_by_an_exec_is_seen_by_all_that_follow(base: dagger.Container) -> None:
    ready = base.with_new_file("/srv/dir/f", "x").with_exec(["rm", "-r", "/srv/dir"])
    assert await ready.exists("/srv/dir") is False
    again = ready.with_exec(["sh", "-c", "mkdir /srv/dir && ls -A /srv/dir"])
    assert await again.stdout() == ""


async def test_rootfs_of_scratch_is_empty(dag: dagger.Client) -> None:
    assert await dag.container().rootfs().entries() == []


async def test_rootfs_can_be_replaced(dag: dagger.Client, base: dagger.Container) -> None:
    made = dag.container().with_rootfs(base.with_new_file("/mark", "m").rootfs())
    assert await made.with_exec(["cat", "/mark"]).stdout() == "m"


async def test_stat_and_exists_see_the_container(base: dagger.Container) -> None:
    ready = base.with_new_file("/srv/f", "12345", permissions=0o750)
    assert await ready.exists("/srv/f") is True
    assert await ready.exists("/srv/none") is False
    assert await ready.stat("/srv/f").size() == 5
    assert await ready.stat("/srv/f").permissions() == 0o750


async def test_modes_and_links_survive_between_containers(base: dagger.Container) -> None:
    script = (
        "mkdir -p /o/d; echo x > /o/f; ln -s f /o/l; ln /o/f /o/h; chmod 1777 /o/d; "
        "chown 5:6 /o/f; chmod 4751 /o/f"
    )
    source = base.with_exec(["sh", "-c", script]).directory("/o")
    copied = base.with_directory("/c", source)
    said = await output(copied, "cd /c; stat -c '%n %a %u:%g' d f h; readlink l")
    assert said == "d 1777 0:0\nf 4751 5:6\nh 4751 5:6\nf\n"


async def test_folders_above_what_is_owned_are_roots(
    dag: dagger.Client, base: dagger.Container
) -> None:
    tree = dag.directory().with_new_file("f", "x")
    made = (
        base.with_file("/a/b/f", dag.file("f", "x"), owner="app")
        .with_file("/c/d/", dag.file("f", "x"), owner="app")
        .with_directory("/e/g", tree, owner="app")
    )
    shown = "stat -c '%n %u' /a /a/b /a/b/f /c /c/d /c/d/f /e /e/g /e/g/f"
    assert (await output(made, shown)).split("\n")[:-1] == [
        *("/a 0", "/a/b 0", "/a/b/f 1000"),
        *("/c 0", "/c/d 1000", "/c/d/f 1000"),
        *("/e 0", "/e/g 1000", "/e/g/f 1000"),
    ]


async def test_root_needs_no_passwd_file_and_others_do(dag: dagger.Client) -> None:
    scratch = dag.container()
    owned = scratch.with_new_file("/f", "x", owner="root")
    assert await owned.file("/f").contents() == "x"
    with pytest.raises(dagger.QueryError, match="no such user: app"):
        await settle(scratch.with_new_file("/f", "x", owner="app"))
    with pytest.raises(dagger.QueryError, match="no such group: staff"):
        await settle(dag.directory().with_new_file("f", "x").chown("f", "0:staff"))
