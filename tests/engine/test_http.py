"""`Query.http`: files of a real server on the loopback."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output
from tests.support.web import Page, WebServer, web_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

pytestmark = [
    pytest.mark.usefixtures("local_only"),  # another engine may not reach this loopback
]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


async def test_file_has_the_last_part_of_the_url_as_name_and_is_private(
    dag: dagger.Client, web: WebServer
) -> None:
    web.pages["/dir/tool.txt?version=1"] = Page(body=b"hello")
    file = dag.http(f"{web.url}/dir/tool.txt?version=1")
    assert await file.contents() == "hello"
    assert await file.name() == "tool.txt"
    assert await file.size() == 5
    assert await file.stat().permissions() == 0o600


async def test_url_without_a_name_gives_index(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/"] = Page(body=b"top")
    assert await dag.http(f"{web.url}/").name() == "index"


async def test_name_and_permissions_are_as_asked_for(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/a"] = Page(body=b"a")
    file = dag.http(f"{web.url}/a", name="run.sh", permissions=0o755)
    assert await file.name() == "run.sh"
    assert await file.stat().permissions() == 0o755
    with pytest.raises(dagger.QueryError, match="not contain a directory"):
        await dag.http(f"{web.url}/a", name="x/y").contents()


async def test_time_is_when_the_server_says_it_was_modified(
    dag: dagger.Client, base: dagger.Container, web: WebServer
) -> None:
    stamp = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    web.pages["/dated"] = Page(body=b"x", headers=stamp)
    mounted = base.with_file("/dated", dag.http(f"{web.url}/dated"))
    assert await output(mounted, "stat -c %Y /dated") == "1445412480\n"


async def test_checksum_is_compared(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/sum"] = Page(body=b"checked")
    right = f"sha256:{hashlib.sha256(b'checked').hexdigest()}"
    assert await dag.http(f"{web.url}/sum", checksum=right).contents() == "checked"
    wrong = f"sha256:{'0' * 64}"
    with pytest.raises(dagger.QueryError, match=f"http checksum mismatch.*expected {wrong}"):
        await dag.http(f"{web.url}/sum", checksum=wrong).contents()
    with pytest.raises(dagger.QueryError, match='invalid checksum "nonsense"'):
        await dag.http(f"{web.url}/sum", checksum="nonsense").contents()


async def test_status_that_is_no_success_is_an_error(dag: dagger.Client, web: WebServer) -> None:
    with pytest.raises(dagger.QueryError, match="404 Not Found"):
        await dag.http(f"{web.url}/none").contents()
    web.pages["/broken"] = Page(status=503)
    with pytest.raises(dagger.QueryError, match="503 Service Unavailable"):
        await dag.http(f"{web.url}/broken").contents()


async def test_header_of_a_secret_is_sent_and_never_shown(
    dag: dagger.Client, web: WebServer
) -> None:
    web.pages["/closed"] = Page(body=b"in", authorization="Bearer s3cr3t-word")
    with pytest.raises(dagger.QueryError, match="401 Unauthorized"):
        await dag.http(f"{web.url}/closed").contents()
    wrong = dag.set_secret("http-wrong", "Bearer other-word")
    with pytest.raises(dagger.QueryError, match="401 Unauthorized") as caught:
        await dag.http(f"{web.url}/closed", auth_header=wrong).contents()
    assert "other-word" not in str(caught.value)
    right = dag.set_secret("http-right", "Bearer s3cr3t-word\n")
    assert await dag.http(f"{web.url}/closed", auth_header=right).contents() == "in"


async def test_header_stays_with_its_server(dag: dagger.Client, web: WebServer) -> None:
    with web_server() as other:
        other.pages["/there"] = Page(body=b"moved")
        web.pages["/here"] = Page(status=302, headers={"Location": f"{other.url}/there"})
        web.pages["/near"] = Page(status=302, headers={"Location": "/home"})
        web.pages["/home"] = Page(body=b"home", authorization="Bearer mine")
        secret = dag.set_secret("http-redirect", "Bearer mine")
        assert await dag.http(f"{web.url}/here", auth_header=secret).contents() == "moved"
        assert await dag.http(f"{web.url}/near", auth_header=secret).contents() == "home"
        (request,) = other.seen
        assert "Authorization" not in request.headers


async def test_user_in_the_url_is_sent_and_not_shown(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/basic"] = Page(body=b"ok", authorization="Basic dXNlcjpoaWRkZW4=")
    url = web.url.replace("://", "://user:hidden@")
    assert await dag.http(f"{url}/basic").contents() == "ok"
    with pytest.raises(dagger.QueryError, match="404") as caught:
        await dag.http(f"{url}/none").contents()
    assert "hidden" not in str(caught.value)


async def test_file_is_asked_for_once_a_session(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/once"] = Page(body=b"first")
    assert await dag.http(f"{web.url}/once").contents() == "first"
    web.pages["/once"] = Page(body=b"second")
    assert await dag.http(f"{web.url}/once", name="again").contents() == "first"
    assert web.statuses("/once") == [200]


async def test_next_session_asks_whether_it_has_changed(
    new_session: NewSession, web: WebServer
) -> None:
    web.pages["/tagged"] = Page(body=b"one", headers={"ETag": '"1"'})
    for _ in range(2):
        client = await new_session()
        assert await client.http(f"{web.url}/tagged").contents() == "one"
    assert web.statuses("/tagged") == [200, 304]
    web.pages["/tagged"] = Page(body=b"two", headers={"ETag": '"2"'})
    client = await new_session()
    assert await client.http(f"{web.url}/tagged").contents() == "two"


async def test_same_contents_do_not_run_a_command_again(
    new_session: NewSession, web: WebServer, samples: SampleImages
) -> None:
    found: list[str] = []
    for day in ("01", "02"):
        stamp = {"Last-Modified": f"Fri, {day} Jan 2016 07:28:00 GMT"}
        web.pages["/input"] = Page(body=b"same", headers=stamp)
        client = await new_session()
        file = client.http(f"{web.url}/input")
        mounted = client.container().from_(samples.busybox).with_mounted_file("/input", file)
        found.append(await output(mounted, "cat /input; head -c 16 /dev/urandom | od -x"))
    assert found[0] == found[1]


async def test_server_that_is_not_there_and_url_that_is_none(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="connection refused"):
        await dag.http("http://127.0.0.1:1/x").contents()
    for url in ("ftp://127.0.0.1/x", "file:///etc/hostname", "nonsense"):
        with pytest.raises(dagger.QueryError, match="invalid URL"):
            await dag.http(url).contents()


async def test_checksum_may_be_longer(dag: dagger.Client, web: WebServer) -> None:
    web.pages["/tool"] = Page(body=b"tool")
    right = f"sha512:{hashlib.sha512(b'tool').hexdigest()}"
    assert await dag.http(f"{web.url}/tool", checksum=right).contents() == "tool"
    wrong = f"sha512:{'0' * 128}"
    with pytest.raises(dagger.QueryError, match=f"http checksum mismatch.*expected {wrong}"):
        await dag.http(f"{web.url}/tool", checksum=wrong).contents()
