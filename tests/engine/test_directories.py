"""`Directory`: listing, looking up, adding, removing, filtering, comparing."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import settle


@pytest.fixture
def tree(dag: dagger.Client) -> dagger.Directory:
    """A small tree: two files on top, two below."""
    return (
        dag.directory()
        .with_new_file("b.txt", "b")
        .with_new_file("a.txt", "a")
        .with_new_file("sub/c.txt", "c")
        .with_new_file("sub/deep/d.md", "d")
    )


async def test_entries_are_sorted_and_folders_end_in_a_slash(tree: dagger.Directory) -> None:
    assert await tree.entries() == ["a.txt", "b.txt", "sub/"]
    assert await tree.entries(path="sub") == ["c.txt", "deep/"]


async def test_empty_directory_has_no_entries(dag: dagger.Client) -> None:
    assert await dag.directory().entries() == []


async def test_entries_of_a_missing_path_are_an_error(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="no such file"):
        await tree.entries(path="none")


async def test_glob_star_matches_one_level(tree: dagger.Directory) -> None:
    assert await tree.glob("*") == ["a.txt", "b.txt", "sub/"]
    assert await tree.glob("*.txt") == ["a.txt", "b.txt"]
    assert await tree.glob("sub/*") == ["sub/c.txt", "sub/deep/"]


async def test_glob_double_star_matches_all_levels(tree: dagger.Directory) -> None:
    assert await tree.glob("**/*.md") == ["sub/deep/d.md"]
    assert set(await tree.glob("**/*")) == {
        *("a.txt", "b.txt", "sub/", "sub/c.txt", "sub/deep/", "sub/deep/d.md")
    }


async def test_name_of_a_directory_ends_in_a_slash(tree: dagger.Directory) -> None:
    assert await tree.name() == "/"
    assert await tree.directory("sub/deep").name() == "deep/"


async def test_names_ask_whether_the_thing_exists(tree: dagger.Directory) -> None:
    assert await tree.file("sub/c.txt").name() == "c.txt"
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.file("none").name()
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.directory("none").name()


async def test_missing_file_is_named_as_it_was_given(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match=r"sub/none\.txt: no such file or directory"):
        await tree.file("sub/none.txt").contents()


async def test_selected_directory_is_the_root_of_its_own_paths(tree: dagger.Directory) -> None:
    sub = tree.directory("sub")
    assert await sub.entries() == ["c.txt", "deep/"]
    assert await sub.directory("deep").file("d.md").contents() == "d"


async def test_selection_cannot_leave_its_root(tree: dagger.Directory) -> None:
    outside = tree.directory("sub")
    assert await outside.exists("../a.txt") is False


async def test_exists_knows_what_a_path_is(dag: dagger.Client, tree: dagger.Directory) -> None:
    linked = tree.with_symlink("a.txt", "link")
    kinds = dagger.ExistsType
    assert await linked.exists("a.txt") is True
    assert await linked.exists("none") is False
    assert await linked.exists("sub", expected_type=kinds.DIRECTORY_TYPE) is True
    assert await linked.exists("a.txt", expected_type=kinds.DIRECTORY_TYPE) is False
    assert await linked.exists("link", expected_type=kinds.REGULAR_TYPE) is True
    assert (
        await linked.exists("link", expected_type=kinds.SYMLINK_TYPE, do_not_follow_symlinks=True)
        is True
    )
    assert await dag.directory().exists("anything") is False


async def test_stat_tells_size_kind_and_permissions(tree: dagger.Directory) -> None:
    found = tree.with_new_file("exact", "12345", permissions=0o640).stat("exact")
    assert await found.size() == 5
    assert await found.permissions() == 0o640
    assert await found.file_type() == dagger.FileType.REGULAR_TYPE


async def test_stat_of_a_missing_path_is_an_error(tree: dagger.Directory) -> None:
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await tree.stat("none").size()


async def test_find_up_looks_in_the_parents(tree: dagger.Directory) -> None:
    assert await tree.find_up("c.txt", "sub/deep") == "sub/c.txt"
    assert await tree.find_up("none", "sub/deep") is None


async def test_new_file_makes_parents_and_has_its_mode(dag: dagger.Client) -> None:
    made = dag.directory().with_new_file("x/y/z.sh", "#!", permissions=0o751)
    assert await made.stat("x/y/z.sh").permissions() == 0o751
    assert await made.stat("x/y").permissions() == 0o755
    assert await dag.directory().with_new_file("f", "").stat("f").permissions() == 0o644


async def test_new_file_over_an_old_one_keeps_the_old_mode(dag: dagger.Client) -> None:
    made = dag.directory().with_new_file("f", "old", permissions=0o600).with_new_file("f", "new")
    assert await made.file("f").contents() == "new"
    assert await made.stat("f").permissions() == 0o600


async def test_file_names_longer_than_255_are_refused(dag: dagger.Client) -> None:
    with pytest.raises(
        dagger.QueryError, match="File name length exceeds the maximum supported 255 characters"
    ):
        await settle(dag.directory().with_new_file("x" * 256, ""))


async def test_new_directory_makes_parents_and_stays_inside(dag: dagger.Client) -> None:
    made = dag.directory().with_new_directory("a/b", permissions=0o750)
    assert await made.glob("**/*") == ["a/", "a/b/"]
    assert await made.stat("a/b").permissions() == 0o750
    with pytest.raises(dagger.QueryError, match="cannot create directory outside parent"):
        await settle(dag.directory().with_new_directory("../out"))


@pytest.mark.parametrize("path", ["", ".", "/"])
async def test_file_placed_at_the_root_keeps_its_name(dag: dagger.Client, path: str) -> None:
    made = dag.directory().with_file(path, dag.file("named.txt", "x"))
    assert await made.entries() == ["named.txt"]


async def test_file_placed_elsewhere_takes_name_and_permissions(dag: dagger.Client) -> None:
    source = dag.file("one.txt", "x", permissions=0o600)
    kept = dag.directory().with_file("sub/two.txt", source)
    assert await kept.file("sub/two.txt").contents() == "x"
    assert await kept.stat("sub/two.txt").permissions() == 0o600
    changed = dag.directory().with_file("two.txt", source, permissions=0o444)
    assert await changed.stat("two.txt").permissions() == 0o444


async def test_several_files_are_placed_by_their_names(dag: dagger.Client) -> None:
    made = dag.directory().with_files("sub", [dag.file("a", "1"), dag.file("b", "2")])
    assert await made.glob("**/*") == ["sub/", "sub/a", "sub/b"]


async def test_file_name_with_a_folder_is_refused(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="not contain a directory"):
        await dag.file("sub/name", "x").contents()


async def test_later_copies_win_file_by_file(tree: dagger.Directory, dag: dagger.Client) -> None:
    other = dag.directory().with_new_file("c.txt", "new").with_new_file("e.txt", "e")
    merged = tree.with_directory("sub", other)
    assert await merged.entries(path="sub") == ["c.txt", "deep/", "e.txt"]
    assert await merged.file("sub/c.txt").contents() == "new"


async def test_copied_directory_takes_permissions_everywhere(
    tree: dagger.Directory, dag: dagger.Client
) -> None:
    made = dag.directory().with_directory("to", tree, permissions=0o711)
    for path in ("to/a.txt", "to/sub", "to/sub/c.txt"):
        assert await made.stat(path).permissions() == 0o711, path


async def test_exclude_beats_include(tree: dagger.Directory, dag: dagger.Client) -> None:
    made = dag.directory().with_directory("", tree, include=["**/*.txt"], exclude=["sub/*"])
    assert await made.glob("**/*") == ["a.txt", "b.txt"]
    assert await tree.filter(include=["sub/**"], exclude=["**/*.md"]).glob("**/*.*") == [
        "sub/c.txt"
    ]


async def test_exclude_pattern_can_bring_back(tree: dagger.Directory) -> None:
    assert await tree.filter(exclude=["*.txt", "!b.txt"]).entries() == ["b.txt", "sub/"]


async def test_filter_patterns_are_relative_to_the_selection(tree: dagger.Directory) -> None:
    assert await tree.directory("sub").filter(include=["c.txt"]).entries() == ["c.txt"]


async def test_removals_take_patterns_and_forgive_missing_names(tree: dagger.Directory) -> None:
    assert await tree.without_file("*.txt").entries() == ["sub/"]
    assert await tree.without_files(["a.txt", "none"]).entries() == ["b.txt", "sub/"]
    assert await tree.without_directory("sub").entries() == ["a.txt", "b.txt"]
    assert await tree.without_directory("none").entries() == ["a.txt", "b.txt", "sub/"]


async def test_removed_directory_can_be_made_anew_empty(tree: dagger.Directory) -> None:
    made = tree.without_directory("sub").with_new_file("sub/new", "x")
    assert await made.entries(path="sub") == ["new"]


async def test_diff_is_what_the_other_adds_or_changes(tree: dagger.Directory) -> None:
    other = tree.with_new_file("a.txt", "changed").with_new_file("sub/new.txt", "n")
    assert await tree.diff(other).glob("**/*") == ["a.txt", "sub/", "sub/new.txt"]
    assert await tree.diff(tree).entries() == []


async def test_digest_is_over_content_and_mode_but_not_time(
    tree: dagger.Directory, dag: dagger.Client
) -> None:
    digest = await tree.digest()
    assert digest.startswith("sha256:")
    assert await tree.with_timestamps(1_000_000).digest() == digest
    assert await dag.directory().with_directory("x", tree).directory("x").digest() == digest
    assert await tree.with_new_file("a.txt", "other").digest() != digest
    moded = tree.without_file("a.txt").with_new_file("a.txt", "a", permissions=0o600)
    assert await moded.digest() != digest


async def test_timestamps_are_set_on_everything(
    tree: dagger.Directory, base: dagger.Container
) -> None:
    dated = base.with_directory("/dated", tree.with_timestamps(1_234_567_890))
    said = await dated.with_exec(["stat", "-c", "%Y", "/dated/a.txt", "/dated/sub/c.txt"]).stdout()
    assert said == "1234567890\n1234567890\n"


async def test_owner_is_changed_below_a_path(
    tree: dagger.Directory, base: dagger.Container
) -> None:
    owned = base.with_directory("/t", tree.chown("sub", "1000:50"))
    said = await owned.with_exec(["stat", "-c", "%u:%g", "/t/a.txt", "/t/sub/c.txt"]).stdout()
    assert said == "0:0\n1000:50\n"


async def test_same_steps_give_the_same_id(dag: dagger.Client) -> None:
    first = await dag.directory().with_new_file("a", "1").id()
    assert await dag.directory().with_new_file("a", "1").id() == first
    assert await dag.directory().with_new_file("a", "2").id() != first
