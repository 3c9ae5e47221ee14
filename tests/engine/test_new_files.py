"""New files in trees that have something there already: folders, links, and what was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import settle

if TYPE_CHECKING:
    from collections.abc import Callable


def tree(client: dagger.Client, nonce: str) -> dagger.Directory:
    """Folders of three layers."""
    return (
        client.directory()
        .with_new_directory("a/b", permissions=0o750)
        .with_new_file("a/b/old", nonce)
        .with_new_file("a/other", nonce)
    )


async def test_folders_on_the_way_stay_as_they_are(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    owned = tree(dag, nonce).chown("a/b", "1000:1001").with_timestamps(1_000_000_000)
    made = owned.with_new_file("a/b/new", "new", permissions=0o600)
    shown = "stat -c '%n %a %u:%g' /t/a/b /t/a/b/new /t/a/b/old; stat -c %Y /t/a"
    seen = await base.with_mounted_directory("/t", made).with_exec(["sh", "-c", shown]).stdout()
    assert seen.split("\n") == [
        "/t/a/b 750 1000:1001",
        "/t/a/b/new 600 0:0",
        "/t/a/b/old 644 1000:1001",
        "1000000000",
        "",
    ]


async def test_folders_that_are_missing_are_made(dag: dagger.Client, nonce: str) -> None:
    made = tree(dag, nonce).with_new_file("a/x/y/new", "new")
    assert await made.directory("a").entries() == ["b/", "other", "x/"]
    assert await made.stat("a/x/y").permissions() == 0o755


@pytest.mark.parametrize(
    "remove",
    [lambda one: one.without_directory("a/b"), lambda one: one.without_directory("a")],
    ids=["folder", "folder above"],
)
async def test_what_was_removed_does_not_come_back(
    dag: dagger.Client, nonce: str, remove: Callable[[dagger.Directory], dagger.Directory]
) -> None:
    made = remove(tree(dag, nonce)).with_new_file("a/b/new", "new")
    assert await made.entries(path="a/b") == ["new"]
    again = made.with_new_file("a/b/newer", "newer")
    assert await again.entries(path="a/b") == ["new", "newer"]


async def test_file_that_was_removed_can_be_made_again(dag: dagger.Client, nonce: str) -> None:
    made = tree(dag, nonce).without_file("a/b/old").with_new_file("a/b/old", "again")
    assert await made.file("a/b/old").contents() == "again"


async def test_links_on_the_way_are_followed_inside_the_tree(
    dag: dagger.Client, nonce: str
) -> None:
    linked = tree(dag, nonce).with_symlink("b", "a/link").with_symlink("/a/b/target", "a/to")
    made = linked.with_new_file("a/link/new", "new").with_new_file("a/to", "written through")
    assert await made.file("a/b/new").contents() == "new"
    assert await made.file("a/b/target").contents() == "written through"


async def test_file_in_the_way_of_a_folder_is_an_error(dag: dagger.Client, nonce: str) -> None:
    with pytest.raises(dagger.QueryError, match="not a directory"):
        await settle(tree(dag, nonce).with_new_file("a/other/new", "new"))


async def test_folder_in_the_way_of_the_file_is_an_error(dag: dagger.Client, nonce: str) -> None:
    with pytest.raises(dagger.QueryError, match="is a directory"):
        await settle(tree(dag, nonce).with_new_file("a/b", "new"))


async def test_new_file_of_a_container_goes_into_a_folder(base: dagger.Container) -> None:
    made = base.with_new_file("/etc", "x").with_new_file("/made/", "y")
    assert await made.file("/etc/etc").contents() == "x"
    assert await made.file("/made/made").contents() == "y"
    with pytest.raises(dagger.QueryError, match="is a directory"):
        await settle(base.with_new_file(".", "x"))


async def test_new_file_of_a_container_takes_the_place_of_a_link(base: dagger.Container) -> None:
    linked = base.with_new_file("/target", "old").with_symlink("target", "/link")
    made = linked.with_new_file("/link", "new")
    assert await made.file("/link").contents() == "new"
    assert await made.file("/target").contents() == "old"


async def test_new_file_has_no_special_bits(dag: dagger.Client, base: dagger.Container) -> None:
    made = base.with_new_file("/f", "x", permissions=0o4755).with_directory(
        "/d", dag.directory().with_new_file("f", "x", permissions=0o6711)
    )
    assert await made.with_exec(["stat", "-c", "%a", "/f", "/d/f"]).stdout() == "755\n711\n"
