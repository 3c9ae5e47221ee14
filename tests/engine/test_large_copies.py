"""Large files: however an engine shares their contents, each copy is a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import dagger

BIG = "0123456789abcdef" * 20_000
OTHER = "fedcba9876543210" * 20_000


@pytest.fixture
def source(dag: dagger.Client, nonce: str) -> dagger.Directory:
    """A directory of several layers with a large file in the lowest."""
    return dag.directory().with_new_file("big", BIG + nonce).with_new_file("small", nonce)


async def test_command_that_changes_a_copy_leaves_the_source_alone(
    base: dagger.Container, source: dagger.Directory, nonce: str
) -> None:
    copied = base.with_directory("/data", source)
    changed = copied.with_exec(["sh", "-c", "echo more >> /data/big; chmod 600 /data/big"])
    assert await changed.file("/data/big").contents() == f"{BIG}{nonce}more\n"
    for untouched in (copied.directory("/data"), source):
        assert await untouched.file("big").contents() == BIG + nonce
        assert await untouched.stat("big").permissions() == 0o644


async def test_copy_with_another_owner_or_mode_leaves_the_source_alone(
    base: dagger.Container, source: dagger.Directory
) -> None:
    owned = base.with_file("/owned", source.file("big"), owner="1000:1000", permissions=0o600)
    found = await owned.with_exec(["stat", "-c", "%u:%g %a", "/owned"]).stdout()
    assert found == "1000:1000 600\n"
    plain = base.with_file("/plain", source.file("big"))
    assert await plain.with_exec(["stat", "-c", "%u:%g %a", "/plain"]).stdout() == "0:0 644\n"


async def test_later_of_two_copies_to_one_place_wins(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    one = dag.directory().with_new_file("x/big", BIG + nonce).with_new_file("y/file", nonce)
    two = dag.directory().with_new_file("x/big", OTHER + nonce).with_new_file("y/file/deep", BIG)
    twice = base.with_directory("/data", one).without_file("/data/y/file")
    twice = twice.with_directory("/data", two)
    assert await twice.file("/data/x/big").contents() == OTHER + nonce
    assert await twice.file("/data/y/file/deep").contents() == BIG


async def test_large_file_can_be_copied_over_by_a_small_one_in_one_instruction(
    dag: dagger.Client, nonce: str
) -> None:
    context = (
        dag.directory()
        .with_new_file("one/name", BIG + nonce)
        .with_new_file("two/name", nonce)
        .with_new_file("three/name", OTHER + nonce)
        .with_new_file(
            "Dockerfile",
            "FROM scratch\nCOPY one/name two/name /a/\n"
            "COPY two/name three/name /b/\nCOPY three/name one/name /c/\n",
        )
    )
    built = context.docker_build()
    assert await built.file("/a/name").contents() == nonce
    assert await built.file("/b/name").contents() == OTHER + nonce
    assert await built.file("/c/name").contents() == BIG + nonce


@pytest.mark.usefixtures("local_only")
async def test_contents_are_not_copied(base: dagger.Container, source: dagger.Directory) -> None:
    copied = base.with_directory("/data", source).with_directory("/again", source)
    count = await copied.with_exec(["stat", "-c", "%h", "/data/big"]).stdout()
    assert int(count) == 3
