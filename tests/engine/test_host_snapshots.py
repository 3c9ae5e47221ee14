"""Host directories over many sessions: every edit is seen, whatever it does to sizes and times."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import listing, output, settle, write_tree

if TYPE_CHECKING:
    from pathlib import Path

    import dagger

    from tests.engine.conftest import NewSession


def seen_by_the_host(folder: Path) -> dict[str, str]:
    """Return what is in a folder: kind, mode, and content or target by name."""
    found: dict[str, str] = {}
    for name in listing(folder):
        path = folder / name
        if path.is_symlink():
            found[name] = f"link {path.readlink()}"
        elif path.is_dir():
            found[name] = f"dir {path.stat().st_mode & 0o777:o}"
        else:
            found[name] = f"file {path.stat().st_mode & 0o777:o} {path.read_text()}"
    return found


async def seen_by_the_engine(client: dagger.Client, folder: Path, copy: Path) -> dict[str, str]:
    """Return the same of what the engine read, by way of an export."""
    shutil.rmtree(copy, ignore_errors=True)
    await client.host().directory(str(folder)).export(str(copy))
    return seen_by_the_host(copy)


def edit(folder: Path, rng: random.Random) -> None:
    """Change something below a folder, now and then without a trace in size or time."""
    path = folder / rng.choice(["a", "b", "a/x", "b/y", "a/x/z", "c"])
    text = f"{rng.randrange(10)}"
    kind = rng.choice(["file", "file", "same-time", "dir", "link", "gone", "mode", "rename"])
    if kind == "same-time" and path.is_file() and not path.is_symlink():
        before = path.stat()
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif kind == "mode" and path.exists() and not path.is_symlink():
        path.chmod(rng.choice([0o700, 0o755, 0o744]))
    elif kind == "rename" and path.exists():
        path.rename(folder / f"renamed-{text}-{rng.randrange(10**9)}")
    elif kind not in {"same-time", "mode", "rename"}:
        remove(path)
        if kind != "gone":
            clear_way(path)
            make(path, kind, text)


def clear_way(path: Path) -> None:
    """Make the parents of a path, in place of what is in the way."""
    for parent in reversed(path.parents):
        if parent.is_symlink() or parent.is_file():
            remove(parent)
        parent.mkdir(exist_ok=True)


def make(path: Path, kind: str, text: str) -> None:
    """Make a file, a folder or a link."""
    if kind == "dir":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(text)
    else:
        path.write_text(text)


def remove(path: Path) -> None:
    """Remove whatever is at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()


@pytest.mark.parametrize("seed", range(2))
async def test_every_session_sees_the_folder_as_it_is(
    new_session: NewSession, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same edits in every run
    folder = write_tree(tmp_path / "tree", {"a/x/z": "1", "b/y": "2", "c": "3"})
    for _ in range(7):
        client = await new_session()
        found = await seen_by_the_engine(client, folder, tmp_path / "copy")
        assert found == seen_by_the_host(folder)
        for _ in range(rng.randrange(2, 10)):
            edit(folder, rng)


async def test_edit_of_the_same_length_at_the_same_time_is_seen(
    new_session: NewSession, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "tree", {"f": "before"})
    os.utime(folder / "f", (1_000_000_000, 1_000_000_000))
    await settle((await new_session()).host().directory(str(folder)))
    (folder / "f").write_text("behind")
    os.utime(folder / "f", (1_000_000_000, 1_000_000_000))
    read = (await new_session()).host().directory(str(folder))
    assert await read.file("f").contents() == "behind"


async def test_edit_right_after_reading_is_seen_by_the_next_session(
    new_session: NewSession, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "tree", {"f": "0"})
    for number in range(1, 4):
        await settle((await new_session()).host().directory(str(folder)))
        (folder / "f").write_text(f"{number}")
        read = (await new_session()).host().directory(str(folder))
        assert await read.file("f").contents() == f"{number}"


async def test_folder_that_moved_is_the_same_content(
    new_session: NewSession, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "one", {"a/b": "x", "c": "y"})
    first = await (await new_session()).host().directory(str(folder)).digest()
    folder.rename(tmp_path / "two")
    again = (await new_session()).host().directory(str(tmp_path / "two"))
    assert await again.digest() == first


async def test_thousands_of_files_arrive_and_one_change_is_found(
    new_session: NewSession, base: dagger.Container, tmp_path: Path
) -> None:
    names = {f"d{number % 40}/f{number}": f"{number}" for number in range(4000)}
    folder = write_tree(tmp_path / "many", names)
    await settle(base)
    first = (await new_session()).host().directory(str(folder))
    digest = await first.digest()
    (folder / "d7" / "f1007").write_text("changed")
    second = (await new_session()).host().directory(str(folder))
    assert await second.digest() != digest
    assert await second.file("d7/f1007").contents() == "changed"
    assert len(await second.glob("**/f*")) == 4000
    (folder / "d7" / "f1007").write_text("1007")
    assert await (await new_session()).host().directory(str(folder)).digest() == digest


async def test_sparse_and_large_files_keep_their_size(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "tree", {"small": "x"})
    with (folder / "sparse").open("wb") as file:
        file.seek(50_000_000)
        file.write(b"end")
    ready = base.with_directory("/h", dag.host().directory(str(folder)))
    assert await output(ready, "stat -c %s /h/sparse; tail -c 3 /h/sparse") == "50000003\nend"


async def test_pipe_in_a_folder_does_not_stop_the_reading_of_the_rest(
    dag: dagger.Client, tmp_path: Path
) -> None:
    folder = write_tree(tmp_path / "tree", {"f": "x"})
    os.mkfifo(folder / "pipe")
    assert await dag.host().directory(str(folder)).file("f").contents() == "x"
