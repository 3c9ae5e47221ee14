"""`Directory.search` and `File.search`."""

from __future__ import annotations

import dagger
import pytest

TEXT = "first line\nSecond émoji line\nthird\n"


@pytest.fixture
def tree(dag: dagger.Client) -> dagger.Directory:
    return (
        dag.directory()
        .with_new_file("a.txt", TEXT)
        .with_new_file("sub/b.md", "a line of b\n")
        .with_new_file("sub/.hidden", "a line that hides\n")
        .with_new_file(".gitignore", "*.log\n!keep.log\n")
        .with_new_file("x.log", "a line of a log\n")
        .with_new_file("keep.log", "a line that is kept\n")
        .with_new_file("binary", "line\0line\n")
    )


async def paths(found: list[dagger.SearchResult]) -> list[str]:
    return sorted([await result.file_path() for result in found])


async def test_results_tell_lines_offsets_and_matches(tree: dagger.Directory) -> None:
    (first, second) = await tree.search("l[a-z]ne", paths=["a.txt"])
    assert await first.line_number() == 1
    assert await first.absolute_offset() == 0
    assert await first.matched_lines() == "first line\n"
    assert await second.file_path() == "a.txt"
    assert await second.line_number() == 2
    assert await second.absolute_offset() == len("first line\n")
    (match,) = await second.submatches()
    assert await match.text() == "line"
    assert await match.start() == len("Second émoji ".encode())
    assert await match.end() == len("Second émoji line".encode())


async def test_all_files_but_binary_ones_are_searched(tree: dagger.Directory) -> None:
    found = await paths(await tree.search("line", files_only=True))
    assert found == ["a.txt", "keep.log", "sub/.hidden", "sub/b.md", "x.log"]


async def test_hidden_and_ignored_files_can_be_skipped(tree: dagger.Directory) -> None:
    found = await tree.search("line", files_only=True, skip_hidden=True, skip_ignored=True)
    assert await paths(found) == ["a.txt", "keep.log", "sub/b.md"]


async def test_globs_and_paths_choose_files(tree: dagger.Directory) -> None:
    async def chosen(*globs: str) -> list[str]:
        return await paths(await tree.search("line", globs=list(globs), files_only=True))

    assert await chosen("*.md") == ["sub/b.md"]
    assert await chosen("*.log", "!x.log") == ["keep.log"]
    assert await chosen("!sub") == ["a.txt", "keep.log", "x.log"]
    found = await tree.search("line", paths=["sub"], files_only=True)
    assert await paths(found) == ["sub/.hidden", "sub/b.md"]


async def test_paths_stay_in_the_directory(dag: dagger.Client, tree: dagger.Directory) -> None:
    for path in ("..", "../x", "sub/../../x"):
        with pytest.raises(dagger.QueryError, match="path cannot escape directory"):
            await tree.search("line", paths=[path])
    linked = dag.directory().with_symlink("/etc", "out")
    with pytest.raises(dagger.QueryError, match="rg: etc: No such file or directory"):
        await linked.search("root", paths=["out"])
    with pytest.raises(dagger.QueryError, match="No such file"):
        await tree.search("line", paths=["none"])


async def test_literal_insensitive_and_limit(tree: dagger.Directory) -> None:
    dots = tree.with_new_file("dots", "a.b\naxb\nA.B\n")
    assert len(await dots.search("a.b", paths=["dots"])) == 2
    assert len(await dots.search("a.b", paths=["dots"], literal=True)) == 1
    assert len(await dots.search("a.b", paths=["dots"], literal=True, insensitive=True)) == 2
    assert len(await tree.search("line", limit=2)) == 2
    assert await tree.search("no such text") == []


async def test_matches_across_lines(tree: dagger.Directory) -> None:
    (found,) = await tree.search(r"line\nSec", paths=["a.txt"], multiline=True)
    assert await found.matched_lines() == "first line\nSecond émoji line\n"
    assert await tree.search("first.*third", multiline=True) == []
    (whole,) = await tree.search("first.*third", multiline=True, dotall=True)
    assert await whole.matched_lines() == TEXT
    with pytest.raises(dagger.QueryError, match="not allowed in a regex"):
        await tree.search(r"line\nSec")


async def test_syntax_of_rust_is_understood(tree: dagger.Directory) -> None:
    assert len(await tree.search(r"^[[:alpha:]]+d\z", paths=["a.txt"])) == 1
    assert len(await tree.search(r"\x{e9}moji", paths=["a.txt"])) == 1
    with pytest.raises(dagger.QueryError, match="regex parse error"):
        await tree.search("(open")


async def test_one_file_is_searched(tree: dagger.Directory) -> None:
    (found,) = await tree.directory("sub").file("b.md").search("of b")
    assert await found.file_path() == "b.md"
    assert await found.line_number() == 1
    assert len(await tree.file("a.txt").search("line", limit=1)) == 1


async def test_lines_that_are_no_text_are_passed_over(base: dagger.Container) -> None:
    made = base.with_exec(["sh", "-c", "mkdir /w && printf '\\377 abc\\nabc\\n' > /w/f"])
    (found,) = await made.directory("/w").search("abc")
    assert (await found.line_number(), await found.absolute_offset()) == (2, 6)


async def test_limit_leaves_one_result_at_least_and_all_names_of_files(
    tree: dagger.Directory,
) -> None:
    assert len(await tree.search("line", limit=0)) == 1
    assert len(await tree.search("line", limit=-1)) == 1
    assert len(await tree.search("line", limit=1, files_only=True)) == 5
    assert len(await tree.file("a.txt").search("line", limit=0)) == 1


async def test_properties_of_unicode_are_known(tree: dagger.Directory) -> None:
    async def matches(pattern: str) -> list[str]:
        found = await tree.search(pattern, paths=["a.txt"])
        return [await match.text() for result in found for match in await result.submatches()]

    assert await matches(r"\p{Lu}\pL+") == ["Second"]
    assert await matches(r"[^\P{L}\x{61}-\x{7A}S]\w+") == ["émoji"]
    with pytest.raises(dagger.QueryError, match="property not found"):
        await matches(r"\p{Nonsense}")


async def test_search_shows_paths_as_they_are(tree: dagger.Directory) -> None:
    linked = tree.with_symlink("/sub", "way")
    assert await paths(await linked.search("b", paths=["way"], globs=["*.md"])) == ["sub/b.md"]
    assert await paths(await tree.search("hides", paths=["."])) == ["./sub/.hidden"]
