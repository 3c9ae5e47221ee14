"""ADD of files of the web and of git repositories, served on the loopback."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.repositories import GitServer, Repository, git_server, new_repository
from tests.support.shell import output
from tests.support.web import Page, WebServer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # another engine may not reach this loopback


def archive() -> bytes:
    """A compressed tar with one file, `inside/f`."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        info = tarfile.TarInfo("inside/f")
        info.size, info.mode, info.uid, info.gid = 1, 0o640, 7, 8
        tar.addfile(info, io.BytesIO(b"x"))
    return data.getvalue()


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        modified = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
        server.pages["/dir/tool.txt"] = Page(body=b"hello", headers=modified)
        server.pages["/odd%5B1%5D"] = Page(body=b"odd")
        server.pages["/x.tgz"] = Page(body=archive())
        server.pages["/closed"] = Page(body=b"let in", authorization="Bearer the-token")
        yield server


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two commits: the first is the tag `v1` and the branch `dev`."""
    made = new_repository(tmp_path_factory.mktemp("git") / "app.git")
    made.commit({"README": "one\n", "docs/a.txt": "a\n", "run.sh": "#!/bin/sh\n"})
    (made.path / "run.sh").chmod(0o775)
    made.commit({})
    made.git("tag", "v1")
    made.git("branch", "dev")
    made.commit({"README": "two\n"})
    return made


@pytest.fixture(scope="module")
def served(repository: Repository) -> Iterator[GitServer]:
    with git_server(repository.path.parent) as server:
        yield server


async def built(
    dag: dagger.Client, samples: SampleImages, lines: str, **secrets: str
) -> dagger.Container:
    """Build on busybox with these instructions."""
    source = context(dag, f"FROM BASE\n{lines}\n", {"local.txt": "l"}, base=samples.busybox)
    given = [dag.set_secret(name, value) for name, value in secrets.items()]
    return await source.docker_build(secrets=given).sync()


async def test_file_of_the_web_is_private_and_dated_by_its_server(
    dag: dagger.Client, samples: SampleImages, web: WebServer
) -> None:
    done = await built(
        dag,
        samples,
        f"ARG U={web.url}\nWORKDIR /w\nADD $U/dir/tool.txt a/\nADD $U/dir/tool.txt /b\n"
        "ADD $U/dir/tool.txt .\nADD $U/odd%5B1%5D /odd/\n",
    )
    said = await output(done, "cd /w; stat -c '%a %u:%g %Y' a/tool.txt; cat /b tool.txt /odd/*")
    assert said == "600 0:0 1445412480\nhellohelloodd"
    assert await done.directory("/odd").entries() == ["odd[1]"]


async def test_archive_of_the_web_is_unpacked_only_on_request(
    dag: dagger.Client, samples: SampleImages, web: WebServer
) -> None:
    done = await built(
        dag,
        samples,
        f"ADD {web.url}/x.tgz /packed/\nADD --unpack {web.url}/x.tgz /plain/\n"
        f"ADD --unpack=true --chown=3:4 --chmod=777 {web.url}/x.tgz /owned/",
    )
    assert await done.directory("/packed").entries() == ["x.tgz"]
    said = await output(done, "stat -c '%a %u:%g' /plain/inside/f /owned/inside/f")
    assert said == "640 7:8\n640 3:4\n"


async def test_sources_of_all_kinds_go_together(
    dag: dagger.Client, samples: SampleImages, web: WebServer
) -> None:
    lines = (
        f"ADD --chown=app --chmod=u=rw,go=r {web.url}/dir/tool.txt local.txt <<E /d/\nthe text\nE"
    )
    done = await built(dag, samples, lines)
    said = await output(done, "stat -c '%n %a %u:%g' /d/*")
    names = ("E", "local.txt", "tool.txt")
    assert said == "".join(f"/d/{name} 644 1000:1000\n" for name in names)


async def test_secret_of_the_servers_name_lets_in(
    dag: dagger.Client, samples: SampleImages, web: WebServer
) -> None:
    lines = f"ADD {web.url}/closed /d/"
    with pytest.raises(dagger.QueryError, match=r"Dockerfile:2: .*401 Unauthorized"):
        _ = await built(dag, samples, lines)
    done = await built(dag, samples, lines, **{"HTTP_AUTH_TOKEN_127.0.0.1": "the-token"})
    assert await done.file("/d/closed").contents() == "let in"


async def test_what_cannot_be_added_is_told_with_its_line(
    dag: dagger.Client, samples: SampleImages, web: WebServer, served: GitServer
) -> None:
    digest = f"sha256:{'0' * 64}"
    cases = {
        f"ADD {web.url}/none /d/": "404 Not Found",
        f"ADD --checksum={digest} {web.url}/x.tgz /d/": "http checksum enforcement is unsupported",
        f"COPY {web.url}/x.tgz /d/": "source can't be a URL for COPY",
        f"ADD {served.url}/app.git#nope /d/": "nope",
        f"ADD {served.url}/app.git#v1:nope /d/": "nope",
        f"ADD --checksum=0123 {served.url}/app.git /d/": "expected checksum to match 0123",
    }
    for line, told in cases.items():
        with pytest.raises(dagger.QueryError, match=told):
            _ = await built(dag, samples, line)


async def test_repository_is_added_without_git_and_with_its_modes(
    dag: dagger.Client, samples: SampleImages, served: GitServer, repository: Repository
) -> None:
    commit = repository.git("rev-parse", "v1")
    address = f"{served.url}/app.git"
    done = await built(
        dag,
        samples,
        f"ADD {address} /head\nADD {address}#v1 /tag/\nADD {address}#dev /branch/\n"
        f"ADD {address}#{commit} /commit/\nADD {address}#v1:docs /docs\n"
        f"ADD {address}?branch=dev&subdir=docs /query\n"
        f"ADD --checksum={commit[:9]} --exclude=*.sh {address}#v1 /checked/",
    )
    said = await output(done, "cat /head/README /tag/README /branch/README /commit/README")
    assert said == "two\none\none\none\n"
    said = await output(done, "ls -A /tag /docs /query /checked; stat -c '%a %u:%g' /tag/*")
    assert said == (
        "/checked:\nREADME\ndocs\n\n/docs:\na.txt\n\n/query:\na.txt\n\n"
        "/tag:\nREADME\ndocs\nrun.sh\n644 0:0\n755 0:0\n755 0:0\n"
    )


async def test_git_directory_is_kept_on_request(
    dag: dagger.Client, samples: SampleImages, served: GitServer
) -> None:
    address = f"{served.url}/app.git"
    lines = f"ADD --keep-git-dir=true {address}#dev /d/\nADD {address}?keep-git-dir=1 /e/"
    done = await built(dag, samples, lines)
    assert await output(done, "cat /d/.git/HEAD /e/.git/HEAD") == (
        "ref: refs/heads/dev\nref: refs/heads/main\n"
    )
