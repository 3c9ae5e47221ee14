"""`Directory` at its edges: orders of names, what gives way to what, and what is refused."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import output, settle

NAMES = ("foo/x", "foo/y/z", "foo-bar/x", "foo.txt", "Zed")


@pytest.fixture
def tree(dag: dagger.Client) -> dagger.Directory:
    """Names that sort otherwise when the slash of a folder counts."""
    made = dag.directory()
    for name in NAMES:
        made = made.with_new_file(name, name)
    return made


async def test_entries_are_in_the_order_of_their_names(tree: dagger.Directory) -> None:
    assert await tree.entries() == ["Zed", "foo/", "foo-bar/", "foo.txt"]


async def test_what_is_in_a_folder_comes_right_behind_it(tree: dagger.Directory) -> None:
    assert await tree.glob("**") == [
        *("Zed", "foo/", "foo/x", "foo/y/", "foo/y/z"),
        *("foo-bar/", "foo-bar/x", "foo.txt"),
    ]


async def test_glob_that_is_no_pattern_is_an_error(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="pattern"):
        await tree.glob("[")


async def test_errors_tell_the_path_as_it_was_given(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match=r"^some/dir: no such file or directory"):
        await tree.directory("some/dir").entries()
    with pytest.raises(dagger.QueryError, match=r"path foo\.txt is a file, not a directory"):
        await settle(tree.directory("foo.txt"))
    with pytest.raises(dagger.QueryError, match="path foo is a directory, not a file"):
        await tree.file("foo").contents()


async def test_no_path_is_nothing(tree: dagger.Directory) -> None:
    assert not await tree.exists("")
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.stat("").size()


async def test_stat_is_of_what_a_link_leads_to(tree: dagger.Directory) -> None:
    linked = tree.with_symlink("foo.txt", "link")
    assert await linked.stat("link").name() == "foo.txt"
    assert await linked.stat("link", do_not_follow_symlinks=True).name() == "link"


async def test_permissions_are_those_to_read_write_and_execute(base: dagger.Container) -> None:
    made = base.with_exec(["sh", "-c", "mkdir /w && touch /w/f && chmod 4751 /w/f"])
    assert await made.directory("/w").stat("f").permissions() == 0o751


async def test_find_up_refuses_what_it_cannot_look_for(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="name cannot be empty"):
        await tree.find_up("", "foo")
    with pytest.raises(dagger.QueryError, match="cannot search outside parent"):
        await tree.find_up("Zed", "../x")
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.find_up("Zed", "nowhere/at/all")
    assert await tree.find_up("Zed", "foo/y/") == "Zed"


async def test_no_permissions_are_the_usual_ones(dag: dagger.Client) -> None:
    made = dag.directory().with_new_file("f", "", permissions=0)
    made = made.with_new_directory("d", permissions=0)
    assert await made.stat("f").permissions() == 0o644
    assert await made.stat("d").permissions() == 0o755


async def test_new_directory_is_below_the_root_of_an_absolute_path(dag: dagger.Client) -> None:
    assert await dag.directory().with_new_directory("/../d").entries() == ["d/"]
    with pytest.raises(dagger.QueryError, match="cannot create directory outside parent"):
        await settle(dag.directory().with_new_directory("a/../../d"))


async def test_dot_behind_a_slash_means_the_folder(dag: dagger.Client) -> None:
    made = dag.directory().with_file("new/.", dag.file("f", "x"))
    assert await made.glob("**") == ["new/", "new/f"]


async def test_folder_takes_the_place_of_a_file(
    dag: dagger.Client, base: dagger.Container, tree: dagger.Directory
) -> None:
    assert await dag.directory().with_new_file("t", "").with_directory("t", tree).exists("t/Zed")
    below = dag.directory().with_new_file("t/foo", "").with_directory("t", tree)
    assert await below.file("t/foo/x").contents() == "foo/x"
    assert await output(base.with_new_file("/t", "").with_directory("/t", tree), "cat /t/Zed") == (
        "Zed"
    )


async def test_file_takes_the_place_of_a_folder(dag: dagger.Client, tree: dagger.Directory) -> None:
    over = dag.directory().with_new_file("foo", "file")
    assert await tree.with_directory("/", over).file("foo").contents() == "file"


async def test_link_takes_no_place(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="file exists"):
        await settle(tree.with_symlink("x", "foo.txt"))


async def test_long_names_are_refused_for_files_of_all_kinds(
    dag: dagger.Client, base: dagger.Container
) -> None:
    name = "a" * 256
    for made in (dag.file(name, ""), base.with_new_file(f"/{name}", "")):
        with pytest.raises(dagger.QueryError, match="maximum supported 255 characters"):
            await made.sync()


async def test_only_a_star_makes_a_pattern_of_what_is_removed(dag: dagger.Client) -> None:
    made = dag.directory()
    for name in ("a[1]", "a1", "q?", "qq"):
        made = made.with_new_file(name, "")
    assert await made.without_file("a[1]").entries() == ["a1", "q?", "qq"]
    assert await made.without_file("q?").entries() == ["a1", "a[1]", "qq"]
    assert await made.without_file("a[1]*").entries() == ["a[1]", "q?", "qq"]


async def test_name_that_no_file_can_have_is_an_error(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="NUL character"):
        await settle(dag.directory().with_new_file("a\0b", ""))


async def test_nothing_is_below_a_file_and_asking_is_an_error(
    base: dagger.Container, tree: dagger.Directory
) -> None:
    for answer in (tree.exists("foo.txt/x"), base.exists("/etc/passwd/x")):
        with pytest.raises(dagger.QueryError, match="not a directory"):
            await answer
    looped = tree.with_symlink("loop", "loop")
    assert await looped.exists("loop", do_not_follow_symlinks=True)
    with pytest.raises(dagger.QueryError, match="too many"):
        await looped.exists("loop")


async def test_names_of_all_kinds_are_names(base: dagger.Container, dag: dagger.Client) -> None:
    names = ["-rf", " space ", "*", "new\nline", "back\\slash", "quo'te\"", "ünïcödé"]
    made = dag.directory()
    for name in names:
        made = made.with_new_file(name, name)
    assert await made.entries() == sorted(names)
    assert await made.glob(r"\*") == ["*"]
    assert await made.without_file("-rf").without_file("new\nline").glob("?e*") == []
    script = 'cd /m; for name in *; do [ "$name" = "$(cat -- "$name")" ] || echo "<$name>"; done'
    assert await output(base.with_mounted_directory("/m", made), script) == ""


async def test_no_path_and_the_way_up(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.file("").contents()
    assert await tree.with_new_directory("..").entries() == await tree.entries()
    with pytest.raises(dagger.QueryError, match="no such user"):
        await settle(tree.chown("foo", ""))
