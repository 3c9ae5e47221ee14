"""Directories and files of the host: patterns, gitignore, snapshots, owners, modes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import anyio
import dagger
import pytest

from tests.support.missing import need
from tests.support.shell import listing, output, settle, write_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

TREE = {
    "a.txt": "a",
    "b.md": "b",
    "src/main.py": "main",
    "src/test_main.py": "test",
    "src/deep/x.py": "x",
    "build/out.bin": "o",
    "empty/": "",
}


def write_again(path: Path) -> None:
    """Give a file the same content and another time."""
    if path.is_file():
        path.write_text(path.read_text())
        os.utime(path, (1, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the host."""
    return write_tree(tmp_path / "tree", TREE)


async def test_host_directory_has_all_files_and_empty_folders(
    dag: dagger.Client, folder: Path
) -> None:
    read = dag.host().directory(str(folder))
    assert await read.entries() == ["a.txt", "b.md", "build/", "empty/", "src/"]
    assert await read.file("src/deep/x.py").contents() == "x"


async def test_include_takes_only_what_matches(dag: dagger.Client, folder: Path) -> None:
    read = dag.host().directory(str(folder), include=["**/*.py"])
    assert [name for name in await read.glob("**/*") if not name.endswith("/")] == [
        "src/deep/x.py",
        "src/main.py",
        "src/test_main.py",
    ]


async def test_exclude_leaves_out_what_matches(dag: dagger.Client, folder: Path) -> None:
    read = dag.host().directory(str(folder), exclude=["build", "**/test_*"])
    assert await read.entries() == ["a.txt", "b.md", "empty/", "src/"]
    assert await read.entries(path="src") == ["deep/", "main.py"]


async def test_exclude_beats_include(dag: dagger.Client, folder: Path) -> None:
    read = dag.host().directory(str(folder), include=["src"], exclude=["src/deep"])
    assert await read.glob("**/*") == ["src/", "src/main.py", "src/test_main.py"]


async def test_excluded_name_can_be_brought_back(dag: dagger.Client, folder: Path) -> None:
    read = dag.host().directory(str(folder), exclude=["*.txt", "*.md", "!b.md"])
    assert await read.entries() == ["b.md", "build/", "empty/", "src/"]


async def test_owners_become_root_and_modes_stay(
    dag: dagger.Client, base: dagger.Container, folder: Path
) -> None:
    (folder / "a.txt").chmod(0o640)
    if os.geteuid() == 0:
        os.chown(folder / "a.txt", 1234, 1234)
    ready = base.with_directory("/h", dag.host().directory(str(folder)))
    assert await output(ready, "stat -c '%a %u:%g' /h/a.txt") == "640 0:0\n"


async def test_links_stay_as_they_are(dag: dagger.Client, folder: Path) -> None:
    (folder / "link").symlink_to("src/main.py")
    (folder / "dangling").symlink_to("/nowhere/at/all")
    read = dag.host().directory(str(folder))
    assert await read.file("link").contents() == "main"
    assert "dangling" in await read.entries()


async def test_host_edits_are_not_seen_in_the_same_session(
    dag: dagger.Client, folder: Path
) -> None:
    assert await dag.host().directory(str(folder)).file("a.txt").contents() == "a"
    (folder / "a.txt").write_text("edited")
    assert await dag.host().directory(str(folder)).file("a.txt").contents() == "a"
    other = dag.host().directory(str(folder), include=["a.txt"])
    assert await other.file("a.txt").contents() == "edited"


async def test_no_cache_reads_again(dag: dagger.Client, folder: Path) -> None:
    assert await dag.host().directory(str(folder), no_cache=True).file("a.txt").contents() == "a"
    (folder / "a.txt").write_text("edited")
    read = dag.host().directory(str(folder), no_cache=True)
    assert await read.file("a.txt").contents() == "edited"


async def test_another_session_sees_the_edits(
    dag: dagger.Client, new_session: NewSession, folder: Path
) -> None:
    await settle(dag.host().directory(str(folder)))
    (folder / "a.txt").write_text("edited")
    (folder / "b.md").unlink()
    other = await new_session()
    read = other.host().directory(str(folder))
    assert await read.file("a.txt").contents() == "edited"
    assert await read.entries() == ["a.txt", "build/", "empty/", "src/"]


async def test_same_content_written_again_keeps_the_cache(
    dag: dagger.Client,
    base: dagger.Container,
    samples: SampleImages,
    new_session: NewSession,
    folder: Path,
    nonce: str,
) -> None:
    (folder / "nonce").write_text(nonce)
    script = "head -c 8 /dev/urandom | od -An -tx1"
    first = await output(base.with_directory("/h", dag.host().directory(str(folder))), script)
    for name in listing(folder):
        write_again(folder / name)
    other = await new_session()
    ready = other.container().from_(samples.busybox)
    ready = ready.with_directory("/h", other.host().directory(str(folder)))
    assert await output(ready, script) == first


async def test_untouched_part_of_a_changed_folder_keeps_the_cache(
    dag: dagger.Client, base: dagger.Container, folder: Path, nonce: str
) -> None:
    (folder / "src" / "nonce").write_text(nonce)
    script = "head -c 8 /dev/urandom | od -An -tx1"

    async def run() -> str:
        read = dag.host().directory(str(folder), no_cache=True)
        return await output(base.with_directory("/s", read.directory("src")), script)

    first = await run()
    (folder / "a.txt").write_text("edited")
    assert await run() == first
    (folder / "src" / "main.py").write_text("edited")
    assert await run() != first


async def test_same_folder_has_the_same_id(dag: dagger.Client, folder: Path) -> None:
    first = await dag.host().directory(str(folder)).id()
    assert await dag.host().directory(str(folder)).id() == first


async def test_gitignore_is_honoured_when_asked(dag: dagger.Client, tmp_path: Path) -> None:
    git = need("git", package="git")
    repository = write_tree(
        tmp_path / "repository",
        {
            ".gitignore": "*.log\n/build/\n!keep.log\n",
            "app/.gitignore": "secret.*\n",
            "app/main.py": "m",
            "app/secret.txt": "s",
            "app/x.log": "l",
            "app/keep.log": "k",
            "build/out": "o",
        },
    )
    await anyio.run_process([git, "init", "-q", str(repository)])
    read = dag.host().directory(str(repository), gitignore=True, exclude=[".git"])
    files = [name for name in await read.glob("**/*") if not name.endswith("/")]
    assert files == [".gitignore", "app/.gitignore", "app/keep.log", "app/main.py"]
    below = dag.host().directory(str(repository / "app"), gitignore=True)
    assert await below.entries() == [".gitignore", "keep.log", "main.py"]


async def test_gitignore_without_a_repository_starts_at_the_folder(
    dag: dagger.Client, tmp_path: Path
) -> None:
    write_tree(tmp_path, {".gitignore": "*\n", "in/.gitignore": "*.log\n", "in/a": "a"})
    (tmp_path / "in" / "b.log").write_text("b")
    read = dag.host().directory(str(tmp_path / "in"), gitignore=True)
    assert await read.entries() == [".gitignore", "a"]


async def test_host_file_is_read_with_its_name(dag: dagger.Client, folder: Path) -> None:
    file = dag.host().file(str(folder / "src" / "main.py"))
    assert await file.contents() == "main"
    assert await file.name() == "main.py"


@pytest.mark.parametrize("kind", ["directory", "file"])
async def test_missing_host_path_is_an_error_that_names_it(
    dag: dagger.Client, tmp_path: Path, kind: str
) -> None:
    with pytest.raises(dagger.QueryError, match="absent"):
        await settle(getattr(dag.host(), kind)(str(tmp_path / "absent")))


async def test_relative_paths_start_at_the_clients_folder(
    new_session: NewSession, folder: Path
) -> None:
    client = await new_session(workdir=folder / "src")
    assert await client.host().directory("deep").entries() == ["x.py"]
    assert await client.host().file("../a.txt").contents() == "a"
    target = folder / "src" / "made" / "here.txt"
    assert await client.file("f", "exported").export("made/here.txt") == str(target)
    assert target.read_text() == "exported"


async def test_name_is_looked_for_in_the_parents(new_session: NewSession, folder: Path) -> None:
    client = await new_session(workdir=folder / "src" / "deep")
    assert await client.host().find_up("a.txt") == "../../a.txt"
    assert await client.host().find_up("no-such-name-anywhere") is None


async def test_names_with_odd_characters_arrive(dag: dagger.Client, tmp_path: Path) -> None:
    names = ["a b", "ü", "quote'\"", "star*", "new\nline", "-dash"]
    write_tree(tmp_path / "odd", dict.fromkeys(names, "x"))
    assert sorted(await dag.host().directory(str(tmp_path / "odd")).entries()) == sorted(names)


async def test_patterns_that_lead_out_of_the_folder_do_not_count(
    dag: dagger.Client, folder: Path
) -> None:
    everything = await dag.host().directory(str(folder)).glob("**")
    for given in (["../x"], ["/a.txt"], ["."]):
        assert await dag.host().directory(str(folder), include=given).glob("**") == everything
    odd = dag.host().directory(str(folder), exclude=["../x", "/a.txt"])
    assert await odd.glob("**") == everything
    assert await dag.host().directory(str(folder), exclude=["."]).entries() == []
