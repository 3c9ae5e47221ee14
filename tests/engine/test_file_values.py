"""`File`: contents, size, name, changes, digests, and export of files and directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

from tests.support.shell import listing, mode_of, output

if TYPE_CHECKING:
    from pathlib import Path


async def test_contents_and_size_are_those_of_the_bytes(dag: dagger.Client) -> None:
    text = 'grüße\n\ttab "quoted" \\ back\n'
    file = dag.file("f.txt", text)
    assert await file.contents() == text
    assert await file.size() == len(text.encode())
    assert await file.name() == "f.txt"


async def test_empty_file_is_a_file(dag: dagger.Client) -> None:
    assert await dag.file("empty", "").contents() == ""
    assert await dag.file("empty", "").size() == 0


async def test_contents_can_be_read_by_lines(dag: dagger.Client) -> None:
    file = dag.file("lines", "1\n2\n3\n4\n5\n")
    assert (await file.contents(offset_lines=1, limit_lines=2)).splitlines() == ["2", "3"]


async def test_renamed_file_has_its_new_name(dag: dagger.Client) -> None:
    file = dag.file("old", "x").with_name("new")
    assert await file.name() == "new"
    assert await dag.directory().with_file("", file).entries() == ["new"]


async def test_replacing_needs_to_be_told_which_of_many(dag: dagger.Client) -> None:
    file = dag.file("f", "one two one\n")
    assert await file.with_replaced("two", "2").contents() == "one 2 one\n"
    assert await file.with_replaced("one", "1", all=True).contents() == "1 two 1\n"
    with pytest.raises(dagger.QueryError, match="multiple"):
        await file.with_replaced("one", "1").contents()
    with pytest.raises(dagger.QueryError, match="not found"):
        await file.with_replaced("three", "3").contents()


async def test_digest_follows_the_content(dag: dagger.Client) -> None:
    file = dag.file("f", "x")
    assert await file.digest() == await dag.file("f", "x").digest()
    assert await file.digest() != await dag.file("f", "y").digest()
    plain = await file.digest(exclude_metadata=True)
    other = dag.file("g", "x", permissions=0o600)
    assert await other.digest(exclude_metadata=True) == plain


async def test_exported_file_keeps_its_mode(dag: dagger.Client, tmp_path: Path) -> None:
    target = tmp_path / "sub" / "out.sh"
    told = await dag.file("f", "#!/bin/sh\n", permissions=0o750).export(str(target))
    assert told == str(target)
    assert target.read_text() == "#!/bin/sh\n"
    assert target.stat().st_mode & 0o777 == 0o750


async def test_file_is_not_exported_over_a_directory(dag: dagger.Client, tmp_path: Path) -> None:
    file = dag.file("named", "x")
    with pytest.raises(dagger.QueryError, match="is a directory; must be a file path unless"):
        await file.export(str(tmp_path))
    await file.export(str(tmp_path), allow_parent_dir_path=True)
    assert (tmp_path / "named").read_text() == "x"


async def test_exported_directory_is_merged_into_the_target(
    dag: dagger.Client, tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "both").write_text("old")
    tree = dag.directory().with_new_file("both", "new").with_new_file("sub/x", "x")
    assert await tree.export(str(tmp_path)) == str(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "both").read_text() == "new"
    assert (tmp_path / "sub" / "x").read_text() == "x"


async def test_wiping_export_replaces_the_target(dag: dagger.Client, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_text("x")
    await dag.directory().with_new_file("new", "x").export(str(tmp_path), wipe=True)
    assert listing(tmp_path) == ["new"]


async def test_exported_links_stay_links(dag: dagger.Client, tmp_path: Path) -> None:
    tree = dag.directory().with_new_file("a", "x").with_symlink("a", "link")
    await tree.export(str(tmp_path / "out"))
    assert (tmp_path / "out" / "link").is_symlink()
    assert (tmp_path / "out" / "link").read_text() == "x"


async def test_large_binary_file_survives_exec_and_export(
    base: dagger.Container, tmp_path: Path
) -> None:
    made = base.with_exec(["sh", "-c", "head -c 20000000 /dev/urandom > /big; sha256sum /big"])
    await made.file("/big").export(str(tmp_path / "big"))
    assert (tmp_path / "big").stat().st_size == 20_000_000
    back = base.with_file("/big", made.file("/big")).with_exec(["sha256sum", "/big"])
    assert await back.stdout() == await made.stdout()


async def test_missing_file_of_a_container_fails_its_export(
    base: dagger.Container, tmp_path: Path
) -> None:
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await base.file("/none").export(str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


async def test_lines_end_at_newlines_alone(dag: dagger.Client) -> None:
    file = dag.file("f", "one\rstill\ntwo\x0bstill\u2028too\nthree")
    assert await file.contents(offset_lines=1, limit_lines=1) == "two\x0bstill\u2028too\n"
    assert await file.contents(offset_lines=2) == "three"
    assert await file.contents(limit_lines=0) == ""
    assert await file.contents(offset_lines=-1, limit_lines=-1) == await file.contents()


async def test_large_file_is_read_by_lines_only(base: dagger.Container) -> None:
    make = "echo first > /f && dd if=/dev/zero of=/f bs=1M count=0 seek=129 2>/dev/null"
    file = base.with_exec(["sh", "-c", make]).file("/f")
    assert await file.contents(limit_lines=1) == "first\n"
    with pytest.raises(dagger.QueryError, match=r"file size \d+ exceeds limit 134217728"):
        await file.contents()


async def test_new_name_is_in_no_folder(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="must not contain a directory"):
        await dag.file("f", "x").with_name("a/b").contents()


async def test_replacing_tells_the_places(dag: dagger.Client) -> None:
    file = dag.file("f", "foo bar\nbaz foo\n")
    with pytest.raises(dagger.QueryError, match=r"multiple times: line 1 \(0-3\), line 2 \(4-7\)"):
        await file.with_replaced("foo", "X").contents()
    assert await file.with_replaced("bar\nbaz", "X").contents() == "foo X foo\n"


async def test_replacing_all_may_find_none_and_starts_where_it_is_told(dag: dagger.Client) -> None:
    file = dag.file("f", "foo\nfoo\nfoo\n")
    assert await file.with_replaced("none", "X", all=True).contents() == "foo\nfoo\nfoo\n"
    assert await file.with_replaced("foo", "X", all=True, first_from=2).contents() == "foo\nX\nX\n"
    assert await file.with_replaced("foo", "X", first_from=2).contents() == "foo\nX\nfoo\n"
    with pytest.raises(dagger.QueryError, match="not found"):
        await file.with_replaced("foo", "X", first_from=4).contents()


async def test_replacing_waits_until_it_is_needed_and_takes_any_bytes(
    dag: dagger.Client, base: dagger.Container
) -> None:
    assert await dag.file("f", "x").with_replaced("nothing", "y").id()
    made = base.with_exec(["sh", "-c", "printf '\\377abc' > /f"]).file("/f")
    mounted = base.with_mounted_file("/g", made.with_replaced("abc", "xyz"))
    assert (await output(mounted, "od -An -tx1 /g")).split() == ["ff", "78", "79", "7a"]


async def test_file_is_exported_to_what_a_link_leads_to(dag: dagger.Client, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    await dag.file("f", "new").export(str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


async def test_exports_to_one_file_at_once_all_arrive(dag: dagger.Client, tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)  # no room for a longer name beside it
    file = dag.file("f", "x" * 10_000)
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(file.export, str(target))
    assert target.read_text() == "x" * 10_000
    assert listing(tmp_path) == [target.name]


async def test_export_makes_folders_for_their_owner_alone(
    dag: dagger.Client, tmp_path: Path
) -> None:
    tree = dag.directory().with_new_directory("sub", permissions=0o750)
    await tree.export(str(tmp_path / "a" / "out"))
    await dag.file("f", "x").export(str(tmp_path / "b" / "f"))
    assert [mode_of(tmp_path / name) for name in ("a", "a/out", "a/out/sub", "b")] == [
        *(0o700, 0o700, 0o750, 0o700)
    ]


async def test_file_that_is_exported_over_keeps_its_mode(
    dag: dagger.Client, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    old.chmod(0o640)
    await dag.file("f", "new", permissions=0o755).export(str(old))
    assert (old.read_text(), mode_of(old)) == ("new", 0o640)


async def test_exported_folders_keep_their_times(dag: dagger.Client, tmp_path: Path) -> None:
    tree = dag.directory().with_new_file("sub/f", "x").with_timestamps(1_000_000_000)
    await tree.export(str(tmp_path))
    assert (tmp_path / "sub").stat().st_mtime == 1_000_000_000
