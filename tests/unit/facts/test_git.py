"""What git is asked, in real repositories of every state."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway.facts.git import NoCommit, read_commit
from keelway.tags.commit import Commit

Git = Callable[..., str]

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@example.com",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0200",
    "GIT_CEILING_DIRECTORIES": "/",
}


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in an empty repository on the branch `main`."""

    def run(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    run("init", "-q", "-b", "main")
    return run


@pytest.fixture
def committed(git: Git, tmp_path: Path) -> Git:
    """Run git in a repository with one commit."""
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    return git


def read(directory: Path) -> Commit:
    """Return the commit, which must be there."""
    found = read_commit(directory, ENVIRONMENT)
    assert isinstance(found, Commit), found
    return found


def test_a_clean_checkout(committed: Git, tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found == Commit(
        sha=committed("rev-parse", "HEAD"),
        committed_at=datetime.fromtimestamp(1_700_000_000, UTC),
        branch="main",
    )
    assert found.short_sha == found.sha[:7]


def test_from_a_directory_below(committed: Git, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    assert read(tmp_path / "below").sha == committed("rev-parse", "HEAD")


@pytest.mark.parametrize("change", ["edited", "staged", "untracked", "removed"])
def test_every_kind_of_change_is_dirt(committed: Git, tmp_path: Path, change: str) -> None:
    if change == "untracked":
        (tmp_path / "new").write_text("new")
    elif change == "removed":
        (tmp_path / "file").unlink()
    else:
        (tmp_path / "file").write_text("two")
    if change == "staged":
        committed("add", "file")
    assert read(tmp_path).dirty


def test_ignored_files_are_no_dirt(committed: Git, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("out\n")
    committed("add", ".gitignore")
    committed("commit", "-q", "-m", "ignore")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text("{}")
    assert not read(tmp_path).dirty


def test_a_detached_head_has_no_branch(committed: Git, tmp_path: Path) -> None:
    committed("checkout", "-q", "--detach")
    assert read(tmp_path).branch is None


def test_a_branch_name_may_have_odd_characters(committed: Git, tmp_path: Path) -> None:
    committed("checkout", "-q", "-b", "feature/a,b(c")
    assert read(tmp_path).branch == "feature/a,b(c"


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        (["v1.2.3"], "v1.2.3"),
        (["v1.2.3", "v1.10.0", "v1.10.0-rc.1", "zzz"], "v1.10.0"),
        (["nightly", "blue"], "blue"),
        (["orders/v1.2.3"], "orders/v1.2.3"),
    ],
)
def test_of_several_tags_the_highest_version_counts(
    committed: Git, tmp_path: Path, tags: list[str], chosen: str
) -> None:
    for tag in tags:
        committed("tag", "-a", "-m", tag, tag)
    assert read(tmp_path).tag == chosen


def test_the_tag_of_an_older_commit_does_not_count(committed: Git, tmp_path: Path) -> None:
    committed("tag", "v1.0.0")
    (tmp_path / "file").write_text("two")
    committed("commit", "-q", "-a", "-m", "two")
    assert read(tmp_path).tag is None


def test_a_shallow_clone_is_enough(committed: Git, tmp_path: Path) -> None:
    committed("tag", "v1.0.0")
    clone = tmp_path / "clone"
    committed("clone", "-q", "--depth=1", f"file://{tmp_path}", str(clone))
    found = read(clone)
    assert (found.tag, found.tags, found.shallow) == ("v1.0.0", ("v1.0.0",), True)
    assert (found.remote, found.default_branch) == (f"file://{tmp_path}", "main")


def test_a_worktree_is_a_checkout_like_any_other(committed: Git, tmp_path: Path) -> None:
    committed("worktree", "add", "-q", "-b", "topic", str(tmp_path / "tree"))
    found = read(tmp_path / "tree")
    assert (found.branch, found.dirty, found.shallow) == ("topic", False, False)


def test_the_remotes_address_is_told_without_a_login(committed: Git, tmp_path: Path) -> None:
    committed("remote", "add", "origin", "https://ci:secret@git.example.com/acme/shop.git")
    assert read(tmp_path).remote == "https://git.example.com/acme/shop.git"


def test_looking_does_not_touch_the_repository(committed: Git, tmp_path: Path) -> None:
    index = tmp_path / ".git" / "index"
    os.utime(tmp_path / "file", (1, 1))
    before = index.read_bytes()
    read(tmp_path)
    assert index.read_bytes() == before
    assert committed("status", "--porcelain") == ""


def reason(directory: Path, **environment: str) -> str:
    """Return why there is no commit."""
    found = read_commit(directory, {**ENVIRONMENT, **environment})
    assert isinstance(found, NoCommit)
    return found.reason


def test_no_repository(tmp_path: Path) -> None:
    assert reason(tmp_path) == "this is not a git repository"


def test_no_commit_yet(git: Git, tmp_path: Path) -> None:
    git("status")
    assert reason(tmp_path) == "the git repository has no commit yet"


def test_no_git(tmp_path: Path) -> None:
    assert reason(tmp_path, PATH=str(tmp_path)) == "git is not installed"


def test_a_damaged_repository_is_told_in_gits_words(committed: Git, tmp_path: Path) -> None:
    committed("status")
    (tmp_path / ".git" / "config").write_text("[core\n")
    assert reason(tmp_path).startswith("git says: ")
