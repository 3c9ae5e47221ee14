"""`experimentalPrivilegedNesting`: commands that speak to the session which runs them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.python_root import PACKAGES, PYTHON, make_python_root
from tests.support.shell import output

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.sample_images import SampleImages

SDK = """
import asyncio, dagger
from dagger import dag

async def main():
    async with dagger.connection(dagger.Config(retry=None)):
        made = dag.directory().with_new_file("a.txt", "from inside")
        print(await made.file("a.txt").contents())
        image = dag.container().from_("IMAGE").with_directory("/src", made)
        print(await image.with_exec(["cat", "/src/a.txt"]).stdout())

asyncio.run(main())
"""

POST = (
    'auth=$(printf "%s:" "$DAGGER_SESSION_TOKEN" | base64 | tr -d "\\n"); '
    'wget -qO- --header "Content-Type: application/json" '
    '--header "Authorization: Basic $auth" --post-data "$0" '
    '"http://127.0.0.1:$DAGGER_SESSION_PORT/query"'
)


def ask(query: str) -> list[str]:
    """Return a command that posts a query to the session and prints the answer."""
    body = json.dumps({"query": query})
    return ["sh", "-c", POST, body]


@pytest.fixture
def here(base: dagger.Container, nonce: str) -> dagger.Container:
    """A container whose commands are not cached."""
    return base.with_env_variable("NONCE", nonce)


async def answer(container: dagger.Container, query: str) -> dict[str, object]:
    done = container.with_exec(ask(query), experimental_privileged_nesting=True)
    found: dict[str, object] = json.loads(await done.stdout())
    return found


async def test_command_speaks_to_the_session(here: dagger.Container) -> None:
    query = '{ directory { withNewFile(path: "a", contents: "x") { entries } } }'
    found = await answer(here, query)
    assert found == {"data": {"directory": {"withNewFile": {"entries": ["a"]}}}}


async def test_command_runs_commands_of_its_own(
    here: dagger.Container, samples: SampleImages
) -> None:
    query = (
        f'{{ container {{ from(address: "{samples.busybox}") '
        '{ withExec(args: ["echo", "deeper"]) { stdout } } } }'
    )
    found = await answer(here, query)
    assert found == {"data": {"container": {"from": {"withExec": {"stdout": "deeper\n"}}}}}


@pytest.mark.slow
async def test_sdk_works_inside_a_container(
    dag: dagger.Client,
    samples: SampleImages,
    tmp_path_factory: pytest.TempPathFactory,
    nonce: str,
) -> None:
    root = make_python_root(
        tmp_path_factory.mktemp("sdk") / "root", packages=["dagger-io", "httpx"]
    )
    program = SDK.replace("IMAGE", samples.busybox)
    done = (
        dag.container()
        .with_rootfs(dag.host().directory(str(root)))
        .with_new_file("/inside.py", program)
        .with_env_variable("PYTHONPATH", PACKAGES)
        .with_env_variable("NONCE", nonce)
        .with_exec([PYTHON, "/inside.py"], experimental_privileged_nesting=True)
    )
    assert await done.stdout() == "from inside\nfrom inside\n"


async def test_only_who_asks_gets_a_session(here: dagger.Container) -> None:
    assert "DAGGER" not in await output(here, "env")


async def test_service_speaks_to_the_session(here: dagger.Container) -> None:
    script = f"{' '.join(map(_quoted, ask('{ version }')))} > /www/index.html"
    service = (
        here.with_new_file("/www/index.html", "")
        .with_exposed_port(8000)
        .as_service(
            args=["sh", "-c", f"{script}; httpd -f -p 8000 -h /www"],
            experimental_privileged_nesting=True,
        )
    )
    client = here.with_service_binding("web", service)
    assert '"version": "v' in await output(client, "wget -qO- http://web:8000/")


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


@pytest.mark.usefixtures("local_only")
async def test_token_does_not_count_for_the_cache(
    new_session: NewSession, samples: SampleImages, nonce: str
) -> None:
    found: list[str] = []
    for _ in range(2):
        client = await new_session()
        container = client.container().from_(samples.busybox).with_env_variable("NONCE", nonce)
        done = container.with_exec(
            ["sh", "-c", 'echo "$DAGGER_SESSION_TOKEN"'], experimental_privileged_nesting=True
        )
        found.append(await done.stdout())
    assert found[0] == found[1]
    assert found[0].strip()


@pytest.mark.usefixtures("local_only")
async def test_token_ends_with_the_command(
    new_session: NewSession, samples: SampleImages, nonce: str
) -> None:
    client = await new_session()
    here = client.container().from_(samples.busybox).with_env_variable("NONCE", nonce)
    before = await client.engine().clients()
    inside = await answer(here, "{ engine { clients } }")
    during = inside["data"]["engine"]["clients"]  # type: ignore[index]
    assert during[:1] == before
    assert len(during) == len(before) + 1
    assert await client.engine().clients() == before
    told = await here.with_exec(
        ["sh", "-c", 'echo "$DAGGER_SESSION_TOKEN"'], experimental_privileged_nesting=True
    ).stdout()
    header = base64.b64encode(f"{told.strip()}:".encode()).decode()
    late = here.with_env_variable("LATE", nonce).with_exec(
        ["sh", "-c", f"{' '.join(map(_quoted, ask('{ version }')))}".replace("$auth", header)],
        experimental_privileged_nesting=True,
    )
    with pytest.raises(dagger.ExecError) as caught:
        await late.stdout()
    assert "401" in caught.value.stderr


@pytest.mark.usefixtures("local_only")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ host { directory(path: "/etc") { entries } } }', "Host.directory"),
        ('{ host { file(path: "/etc/passwd") { contents } } }', "Host.file"),
        ('{ host { findUp(name: "etc") } }', "Host.findUp"),
        ('{ host { unixSocket(path: "/run/x") { id } } }', "Host.unixSocket"),
        ("{ host { service(ports: [{backend: 22}]) { hostname } } }", "Host.service"),
        ('{ secret(uri: "cmd://id") { plaintext } }', "Query.secret"),
        ('{ secret(uri: "env://HOME") { plaintext } }', "Query.secret"),
        ('{ git(url: "/") { head { commit } } }', "Query.git"),
        ('{ git(url: "file:///x") { head { commit } } }', "Query.git"),
        ('{ address(value: "/etc") { directory { entries } } }', "Host.directory"),
        ('{ directory { export(path: "/tmp/out") } }', "Directory.export"),
        ('{ file(name: "a", contents: "") { export(path: "/tmp/a") } }', "File.export"),
        ('{ container { export(path: "/tmp/out") } }', "Container.export"),
    ],
)
async def test_the_host_is_not_the_commands(here: dagger.Container, query: str, field: str) -> None:
    found = await answer(here, query)
    told = str(found["errors"])
    assert field in told
    assert "in a nested session" in told
