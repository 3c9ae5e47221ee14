"""`Query.git`, `GitRepository`, `GitRef`, `Directory.asGit`, with repositories made here."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.repositories import GitServer, Repository, git_server, new_repository
from tests.support.shell import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # another engine has another machine's paths


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Three commits on main, two tags (one annotated), and a side branch."""
    made = new_repository(tmp_path / "served" / "app.git")
    made.commit({"a.txt": "one\n", "run.sh": "#!/bin/sh\n"})
    made.git("tag", "v0.9.0")
    made.commit({"a.txt": "two\n"})
    made.git("tag", "-a", "-m", "release", "v1.0.0")
    made.git("branch", "side")
    made.commit({"a.txt": "three\n", "dir/b.txt": "b"})
    made.git("tag", "v1.1.0-rc.1")
    made.git("checkout", "-q", "side")
    made.commit({"side.txt": "side"})
    made.git("checkout", "-q", "main")
    return made


@pytest.fixture
def served(repository: Repository) -> Iterator[GitServer]:
    with git_server(repository.path.parent) as server:
        yield server


async def test_names_lead_to_commits(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.git(str(repository.path))
    main, tagged = repository.git("rev-parse", "main"), repository.git("rev-parse", "v1.0.0^{}")
    assert await repo.head().commit() == main
    assert await repo.head().ref() == "refs/heads/main"
    assert await repo.branch("main").commit() == main
    assert await repo.tag("v1.0.0").commit() == tagged
    assert await repo.tag("v1.0.0").ref() == "refs/tags/v1.0.0"
    for name in ("v1.0.0", "tags/v1.0.0", "refs/tags/v1.0.0", tagged):
        assert await repo.ref(name).commit() == tagged
    assert await repo.commit(tagged).commit() == tagged
    assert await repo.commit(tagged).ref() == tagged
    assert await repo.latest_version().ref() == "refs/tags/v1.0.0"


async def test_tags_and_branches_are_listed_by_pattern(
    dag: dagger.Client, repository: Repository
) -> None:
    repo = dag.git(str(repository.path))
    assert await repo.branches() == ["main", "side"]
    assert await repo.branches(patterns=["si*"]) == ["side"]
    assert await repo.tags() == ["v0.9.0", "v1.0.0", "v1.1.0-rc.1"]
    assert await repo.tags(patterns=["refs/tags/v1*"]) == ["v1.0.0", "v1.1.0-rc.1"]
    assert await repo.tags(patterns=["none"]) == []


async def test_tree_has_the_files_of_the_ref(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.git(str(repository.path))
    plain = repo.head().tree(discard_git_dir=True)
    assert await plain.entries() == ["a.txt", "dir/", "run.sh"]
    assert await plain.file("a.txt").contents() == "three\n"
    assert await repo.tag("v0.9.0").tree().file("a.txt").contents() == "one\n"
    assert ".git/" in await repo.head().tree().entries()


async def test_git_works_in_the_tree(
    dag: dagger.Client, repository: Repository, tmp_path: Path
) -> None:
    tree = dag.git(str(repository.path)).branch("main").tree()
    await tree.export(str(tmp_path / "out"))
    out = Repository(path=tmp_path / "out")
    assert out.git("status", "--porcelain", "--branch") == "## main"
    assert out.git("rev-parse", "HEAD") == repository.git("rev-parse", "main")
    assert out.git("rev-list", "--count", "HEAD") == "1"
    assert out.git("remote", "get-url", "origin") == str(repository.path)
    assert out.git("tag") == ""


async def test_depth_and_tags_bring_more_history(
    dag: dagger.Client, repository: Repository, tmp_path: Path
) -> None:
    head = dag.git(str(repository.path)).head()
    for depth, count in ((2, "2"), (0, "3")):
        out = Repository(path=tmp_path / f"depth{depth}")
        await head.tree(depth=depth).export(str(out.path))
        assert out.git("rev-list", "--count", "HEAD") == count
    out = Repository(path=tmp_path / "tags")
    await head.tree(depth=0, include_tags=True).export(str(out.path))
    assert out.git("tag").split() == ["v0.9.0", "v1.0.0", "v1.1.0-rc.1"]


async def test_times_are_those_of_the_commit(
    dag: dagger.Client, base: dagger.Container, repository: Repository
) -> None:
    tree = dag.git(str(repository.path)).head().tree(discard_git_dir=True)
    mounted = base.with_directory("/src", tree)
    assert await output(mounted, "stat -c %Y /src/a.txt /src/run.sh") == "1500000000\n" * 2


async def test_errors_say_what_is_not_there(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.git(str(repository.path))
    for missing in (repo.branch("none"), repo.tag("main"), repo.ref("none")):
        with pytest.raises(dagger.QueryError, match="does not contain ref"):
            await missing.commit()
    with pytest.raises(dagger.QueryError, match='invalid commit SHA "abc123"'):
        await repo.commit("abc123").commit()
    with pytest.raises(dagger.QueryError, match="does not contain the commit 0000"):
        await repo.commit("0" * 40).tree().entries()
    with pytest.raises(dagger.QueryError, match="does not appear to be a git repository"):
        await dag.git(str(repository.path.parent / "none")).head().commit()
    for url in ("ftp://example.com/x", "nonsense", "ext::sh -c id"):
        with pytest.raises(dagger.QueryError, match="failed to parse Git URL"):
            await dag.git(url).url()


async def test_url_is_told_with_its_scheme_and_without_the_password(dag: dagger.Client) -> None:
    assert await dag.git("example.com/a/b").url() == "https://example.com/a/b"
    assert await dag.git("git@example.com:a/b.git").url() == "git@example.com:a/b.git"
    assert await dag.git("https://me:pass@example.com/a").url() == "https://example.com/a"


async def test_names_stay_for_the_session(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.git(f"file://{repository.path}")
    before = await repo.head().commit()
    repository.commit({"later.txt": "x"})
    assert await repo.branch("main").commit() == before


async def test_common_ancestor_of_two_branches(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.git(str(repository.path))
    found = repo.branch("main").common_ancestor(repo.branch("side"))
    assert await found.commit() == repository.git("rev-parse", "v1.0.0^{}")


async def test_repository_by_http(dag: dagger.Client, served: GitServer) -> None:
    repo = dag.git(f"{served.url}/app.git")
    assert await repo.tag("v0.9.0").tree().file("a.txt").contents() == "one\n"
    old = await repo.tag("v1.0.0").commit()
    assert await repo.commit(old).tree(discard_git_dir=True).file("a.txt").contents() == "two\n"
    with pytest.raises(dagger.QueryError, match="not found"):
        await dag.git(f"{served.url}/none.git").head().commit()


async def test_token_and_header_open_a_closed_server(
    dag: dagger.Client, served: GitServer, tmp_path: Path
) -> None:
    url = f"{served.url}/app.git"
    served.authorization = "Basic " + base64.b64encode(b"me:sesame-1").decode()
    with pytest.raises(dagger.QueryError, match="could not read Username"):
        await dag.git(url).head().commit()
    wrong = dag.git(url, http_auth_token=dag.set_secret("git-wrong", "sesame-2"))
    with pytest.raises(dagger.QueryError) as caught:
        await wrong.head().commit()
    assert "sesame" not in str(caught.value)
    token = dag.set_secret("git-token", "sesame-1")
    tree = dag.git(url, http_auth_username="me", http_auth_token=token).head().tree()
    assert await tree.file("a.txt").contents() == "three\n"
    await tree.export(str(tmp_path / "out"))
    kept = [path.read_bytes() for path in (tmp_path / "out/.git").rglob("*") if path.is_file()]
    assert not any(b"sesame" in data or b"Basic" in data for data in kept)
    header = dag.set_secret("git-header", served.authorization)
    assert await dag.git(url, http_auth_header=header).head().ref() == "refs/heads/main"
    inside = url.replace("://", "://me:sesame-1@")
    assert await dag.git(inside).head().ref() == "refs/heads/main"


async def test_secrets_are_refused_where_they_would_not_be_used(dag: dagger.Client) -> None:
    token = dag.set_secret("git-ssh", "x")
    with pytest.raises(dagger.QueryError, match="for http and https URLs only"):
        await dag.git("git@example.com:a/b.git", http_auth_token=token).url()


async def test_commit_that_was_seen_is_not_fetched_again(
    new_session: NewSession, served: GitServer, repository: Repository
) -> None:
    repository.commit({"new.txt": "only in this test"})
    requests: list[int] = []
    for _ in range(2):
        served.requests.clear()
        client = await new_session()
        head = client.git(f"{served.url}/app.git").head()
        assert await head.tree(discard_git_dir=True).file("a.txt").contents() == "three\n"
        requests.append(len(served.requests))
    listing = 2
    assert requests[0] > listing
    assert requests[1] == listing


async def test_same_commit_does_not_run_a_command_again(
    new_session: NewSession, served: GitServer, repository: Repository, samples: SampleImages
) -> None:
    found: list[str] = []
    for address in (f"{served.url}/app.git", str(repository.path)):
        client = await new_session()
        tree = client.git(address).head().tree(discard_git_dir=True)
        mounted = client.container().from_(samples.busybox).with_directory("/src", tree)
        found.append(await output(mounted, "head -c 16 /dev/urandom | od -x"))
    assert found[0] == found[1]


async def test_directory_is_a_repository(dag: dagger.Client, repository: Repository) -> None:
    repo = dag.host().directory(str(repository.path)).as_git()
    assert await repo.head().commit() == repository.git("rev-parse", "main")
    assert await repo.branches() == ["main", "side"]
    assert await repo.branch("side").tree().file("side.txt").contents() == "side"
    assert await repo.url() is None


async def test_directory_that_is_no_repository(
    dag: dagger.Client, repository: Repository, tmp_path: Path
) -> None:
    with pytest.raises(dagger.QueryError, match="not a git repository"):
        await dag.directory().with_new_file("a", "a").as_git().head().commit()
    linked = tmp_path / "worktree"
    repository.git("worktree", "add", "-q", str(linked), "v0.9.0")
    with pytest.raises(dagger.QueryError, match="leads to another directory"):
        await dag.host().directory(str(linked)).as_git().head().commit()


async def test_directory_cannot_borrow_from_the_host(
    dag: dagger.Client, repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "-q", "--shared", str(repository.path), str(tmp_path / "shared"))
    with pytest.raises(dagger.QueryError, match="shares objects"):
        await dag.host().directory(str(tmp_path / "shared")).as_git().head().tree().entries()
    stolen = (
        dag.directory()
        .with_new_file(".git/HEAD", "ref: refs/heads/main\n")
        .with_new_file(".git/config", "")
        .with_new_directory(".git/refs")
        .with_symlink(f"{repository.path}/.git/objects", ".git/objects")
    )
    with pytest.raises(dagger.QueryError, match="not a git repository"):
        await stolen.as_git().head().commit()


async def test_directory_cannot_have_programs_run(
    dag: dagger.Client, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({".gitattributes": "* filter=evil\n"})
    for name in ("uploadpack.packObjectsHook", "core.fsmonitor", "filter.evil.smudge"):
        repository.git("config", name, f"touch {tmp_path}/ran; cat")
    for name in ("core.sshCommand", "remote.origin.uploadpack"):
        repository.git("config", name, f"touch {tmp_path}/ran")
    tree = dag.host().directory(str(repository.path))
    assert await tree.as_git().head().tree().file("a.txt").contents() == "three\n"
    patch = await tree.with_new_file("a.txt", "four\n").changes(tree).as_patch().contents()
    assert await tree.with_patch(patch).file("a.txt").contents() == "four\n"
    assert not _exists(tmp_path / "ran")


def _exists(path: Path) -> bool:
    return path.exists()


async def test_submodules_come_with_the_tree(
    dag: dagger.Client, repository: Repository, served: GitServer
) -> None:
    part = new_repository(repository.path.parent / "part.git")
    part.commit({"inner.txt": "inner"})
    repository.git("submodule", "--quiet", "add", f"{served.url}/part.git", "lib/part")
    repository.commit({})
    tree = dag.git(f"{served.url}/app.git").head().tree(discard_git_dir=True)
    assert await tree.directory("lib/part").entries() == ["inner.txt"]
