"""`Changeset`, `Directory.changes`, `withChanges`, `withPatch` and `withPatchFile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.repositories import new_repository

if TYPE_CHECKING:
    from pathlib import Path

FAIL_EARLY = dagger.ChangesetMergeConflict.FAIL_EARLY
OURS = dagger.ChangesetMergeConflict.PREFER_OURS
THEIRS = dagger.ChangesetMergeConflict.PREFER_THEIRS
MARKERS = dagger.ChangesetMergeConflict.LEAVE_CONFLICT_MARKERS
LINES = "".join(f"line {number}\n" for number in range(1, 10))


@pytest.fixture
def old(dag: dagger.Client) -> dagger.Directory:
    return (
        dag.directory()
        .with_new_file("same.txt", "same")
        .with_new_file("changed.txt", "one\ntwo\n")
        .with_new_file("gone.txt", "gone\n")
        .with_new_file("olddir/a.txt", "a")
        .with_new_file("olddir/deep/b.txt", "b")
        .with_new_file("lines.txt", LINES)
    )


@pytest.fixture
def new(old: dagger.Directory) -> dagger.Directory:
    return (
        old.with_new_file("changed.txt", "one\n2\nthree\n")
        .without_file("gone.txt")
        .without_directory("olddir")
        .with_new_file("newdir/c.txt", "c\n")
    )


async def test_paths_are_told_by_what_happened(
    old: dagger.Directory, new: dagger.Directory
) -> None:
    changes = new.changes(old)
    assert await changes.added_paths() == ["newdir/", "newdir/c.txt"]
    assert await changes.modified_paths() == ["changed.txt"]
    assert await changes.removed_paths() == ["gone.txt", "olddir/"]
    assert await changes.is_empty() is False
    assert await old.changes(old).is_empty() is True
    assert await changes.before().entries() == await old.entries()
    assert await changes.after().entries() == await new.entries()


async def test_layer_has_only_what_is_new_or_different(
    old: dagger.Directory, new: dagger.Directory
) -> None:
    assert await new.changes(old).layer().glob("**/*") == ["changed.txt", "newdir/", "newdir/c.txt"]


async def test_changes_of_a_part_have_paths_of_that_part(
    old: dagger.Directory, dag: dagger.Client
) -> None:
    part = old.directory("olddir")
    changes = part.with_new_file("x", "x").without_directory("deep").changes(part)
    assert await changes.added_paths() == ["x"]
    assert await changes.removed_paths() == ["deep/"]
    other = dag.directory().with_new_file("sub/deep/keep", "k").directory("sub")
    assert await other.with_changes(changes).entries() == ["x"]


async def test_changes_are_done_to_another_directory(
    dag: dagger.Client, old: dagger.Directory, new: dagger.Directory
) -> None:
    other = dag.directory().with_new_file("mine", "m").with_new_file("olddir/more", "x")
    done = other.with_changes(new.changes(old))
    assert await done.glob("**/*") == ["changed.txt", "mine", "newdir/", "newdir/c.txt"]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_export_removes_as_well(
    old: dagger.Directory, new: dagger.Directory, tmp_path: Path
) -> None:
    await old.export(str(tmp_path))
    (tmp_path / "own.txt").write_text("own")
    assert await new.changes(old).export(str(tmp_path)) == str(tmp_path)
    names = _names(tmp_path)
    assert names == ["changed.txt", "lines.txt", "newdir", "own.txt", "same.txt"]
    assert (tmp_path / "changed.txt").read_text() == "one\n2\nthree\n"


async def test_patch_leads_from_one_to_the_other(
    old: dagger.Directory, new: dagger.Directory
) -> None:
    changed = new.with_new_file("binary", "\0\1\2").with_new_file("run", "x", permissions=0o755)
    patch = changed.changes(old).as_patch()
    text = await patch.contents()
    assert "diff --git a/changed.txt b/changed.txt" in text
    assert "deleted file mode 100644" in text
    for done in (old.with_patch_file(patch), old.with_patch(text)):
        assert await done.changes(changed).is_empty()
    assert await old.changes(old).as_patch().contents() == ""


async def test_patch_is_applied_in_the_directory_that_was_chosen(old: dagger.Directory) -> None:
    part = old.directory("olddir")
    text = await part.with_new_file("a.txt", "b\n").changes(part).as_patch().contents()
    assert await part.with_patch(text).file("a.txt").contents() == "b\n"


async def test_patch_that_does_not_fit_is_an_error(
    old: dagger.Directory, new: dagger.Directory
) -> None:
    text = await new.changes(old).as_patch().contents()
    with pytest.raises(dagger.QueryError, match=r"can't apply the patch: .*changed\.txt"):
        await old.with_new_file("changed.txt", "else\n").with_patch(text).entries()
    with pytest.raises(dagger.QueryError, match="can't apply the patch"):
        await old.with_patch("nonsense").entries()
    outside = text.replace("newdir/c.txt", "../../c.txt")
    with pytest.raises(dagger.QueryError, match="can't apply the patch"):
        await old.with_patch(outside).entries()


async def test_stats_count_lines(old: dagger.Directory, new: dagger.Directory) -> None:
    renamed = new.without_file("lines.txt").with_new_file("moved.txt", LINES + "more\n")
    found = [
        (await it.path(), await it.kind(), await it.added_lines(), await it.removed_lines())
        for it in await renamed.changes(old).diff_stats()
    ]
    kinds = dagger.DiffStatKind
    assert ("changed.txt", kinds.MODIFIED, 2, 1) in found
    assert ("newdir/c.txt", kinds.ADDED, 1, 0) in found
    assert ("gone.txt", kinds.REMOVED, 0, 1) in found
    assert ("moved.txt", kinds.RENAMED, 1, 0) in found


async def test_changesets_are_joined_line_by_line(old: dagger.Directory) -> None:
    first = old.with_new_file("lines.txt", LINES.replace("line 1\n", "first\n")).changes(old)
    last = old.with_new_file("lines.txt", LINES.replace("line 9\n", "last\n")).changes(old)
    other = old.without_file("gone.txt").changes(old)
    both = first.with_changesets([last, other])
    text = LINES.replace("line 1\n", "first\n").replace("line 9\n", "last\n")
    assert await both.after().file("lines.txt").contents() == text
    assert await both.removed_paths() == ["gone.txt"]
    with pytest.raises(dagger.QueryError, match=r"conflict.*lines\.txt"):
        await first.with_changeset(last, on_conflict=FAIL_EARLY).is_empty()


async def test_conflicts_are_settled_as_asked(old: dagger.Directory) -> None:
    mine = old.with_new_file("changed.txt", "mine\n").changes(old)
    yours = old.with_new_file("changed.txt", "yours\n").changes(old)
    with pytest.raises(dagger.QueryError, match=r"conflict.*changed\.txt"):
        await mine.with_changeset(yours).is_empty()

    async def text(choice: dagger.ChangesetMergeConflict) -> str:
        after = mine.with_changeset(yours, on_conflict=choice).after()
        return await after.file("changed.txt").contents()

    assert await text(OURS) == "mine\n"
    assert await text(THEIRS) == "yours\n"
    assert "<<<<<<< ours\nmine\n" in await text(MARKERS)


async def test_file_that_one_changes_and_the_other_removes(old: dagger.Directory) -> None:
    changed = old.with_new_file("olddir/a.txt", "new").changes(old)
    removed = old.without_directory("olddir").changes(old)
    with pytest.raises(dagger.QueryError, match=r"conflict.*olddir/a\.txt"):
        await changed.with_changeset(removed).is_empty()
    ours = changed.with_changeset(removed, on_conflict=OURS).after()
    assert await ours.directory("olddir").glob("**/*") == ["a.txt"]
    theirs = changed.with_changeset(removed, on_conflict=THEIRS).after()
    assert await theirs.exists("olddir") is False


@pytest.mark.usefixtures("local_only")
async def test_uncommitted_changes_of_a_repository(dag: dagger.Client, tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "repo")
    repository.commit({"a.txt": "a", "b.txt": "b", ".gitignore": "*.log\n"})
    for name, text in {"a.txt": "changed", "c.txt": "c", "x.log": "log"}.items():
        (repository.path / name).write_text(text)
    (repository.path / "b.txt").unlink()
    changes = dag.host().directory(str(repository.path)).as_git().uncommitted()
    assert await changes.added_paths() == ["c.txt"]
    assert await changes.modified_paths() == ["a.txt"]
    assert await changes.removed_paths() == ["b.txt"]
