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
    during = inside["data"]["engine"]["clients"]  # type: ignore[index]  # an answer of this shape
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


def told(container: dagger.Container, *queries: str, then: str = "true") -> dagger.Container:
    """Return a container after a command that asks all of this, and then runs a script."""
    asked = "; ".join(" ".join(map(_quoted, ask(query))) for query in queries)
    return container.with_exec(
        ["sh", "-c", f"{{ {asked}; }} >&2; {then}"], experimental_privileged_nesting=True
    )


async def test_host_is_the_container_itself(dag: dagger.Client, here: dagger.Container) -> None:
    mounted = dag.directory().with_new_file("deep/in/f", "mounted").with_new_file("x.log", "no")
    there = here.with_mounted_directory("/work/m", mounted).with_workdir("/work")
    query = """{ host {
        directory(path: "m", exclude: ["*.log"]) {
            glob(pattern: "**")
            file(path: "deep/in/f") { contents }
        }
        file(path: "/etc/passwd") { name contents }
        up: findUp(name: "etc")
        none: findUp(name: "nowhere-at-all")
    } }"""
    found = (await answer(there, query))["data"]["host"]  # type: ignore[index]  # an answer of this shape
    assert found["directory"] == {
        "glob": ["deep/", "deep/in/", "deep/in/f"],
        "file": {"contents": "mounted"},
    }
    assert found["file"]["name"] == "passwd"
    assert "app:x:1000" in found["file"]["contents"]
    assert (found["up"], found["none"]) == ("../etc", None)


async def test_what_the_user_may_not_read_is_not_read(here: dagger.Container) -> None:
    closed = here.with_new_file("/closed", "x", permissions=0o600).with_user("app")
    found = await answer(closed, '{ host { file(path: "/closed") { contents } } }')
    assert "/closed: permission denied" in str(found["errors"])
    for field, message in (
        ('directory(path: "/missing") { entries }', "/missing: no such file or directory"),
        ('directory(path: "/etc/passwd") { entries }', "path /etc/passwd is a file, not a dir"),
        ('file(path: "/etc") { contents }', "path /etc is a directory, not a file"),
    ):
        found = await answer(here, f"{{ host {{ {field} }} }}")
        assert message in str(found["errors"])


async def test_secrets_are_read_in_the_container(
    dag: dagger.Client, here: dagger.Container, nonce: str
) -> None:
    outer = dag.set_secret(nonce, "of the outer session")
    there = (
        here.with_env_variable("MINE", "of the environment")
        .with_mounted_secret("/run/outer", outer)
        .with_workdir("/etc")
    )
    query = """{
        a: secret(uri: "env://MINE") { plaintext }
        b: secret(uri: "file:///run/outer") { plaintext }
        c: secret(uri: "cmd://pwd") { plaintext }
    }"""
    # What the command prints of its own secret is scrubbed, as in any other command.
    assert (await answer(there, query))["data"] == {
        "a": {"plaintext": "of the environment"},
        "b": {"plaintext": "***"},
        "c": {"plaintext": "/etc\n"},
    }


async def test_exports_go_into_the_container(here: dagger.Container) -> None:
    there = here.with_user("app").with_workdir("/home/app")
    done = told(
        there,
        '{ directory { withNewFile(path: "d/f", contents: "tree", permissions: 416) '
        '{ withSymlink(target: "d/f", linkName: "l") { export(path: "out") } } } }',
        '{ file(name: "one", contents: "file") { export(path: "new/one") } }',
        '{ file(name: "two", contents: "file") { export(path: "out", allowParentDirPath: true) } }',
        then="cat out/l new/one out/two; stat -c '%a %u' out/d/f new; readlink out/l",
    )
    assert await done.stdout() == "treefilefile640 1000\n700 1000\nd/f\n"
    refused = await answer(here, '{ file(name: "f", contents: "x") { export(path: "/etc") } }')
    assert 'destination "/etc" is a directory' in str(refused["errors"])


async def test_wiping_export_replaces_what_is_in_the_container(here: dagger.Container) -> None:
    there = here.with_new_file("/out/old/f", "x")
    kept = told(there, '{ directory { export(path: "/out") } }', then="ls /out")
    assert await kept.stdout() == "old\n"
    wiped = told(there, '{ directory { export(path: "/out", wipe: true) } }', then="ls /out")
    assert await wiped.stdout() == ""


@pytest.mark.usefixtures("local_only")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ host { unixSocket(path: "/run/x") { id } } }', "Host.unixSocket"),
        ("{ host { service(ports: [{backend: 22}]) { hostname } } }", "Host.service"),
        ('{ git(url: "file:///x") { head { commit } } }', "Query.git"),
        (
            '{ changeset { export(path: "/out") } }',
            "Changeset.export",
        ),
    ],
)
async def test_what_only_the_sessions_client_has(
    here: dagger.Container, query: str, field: str
) -> None:
    found = await answer(here, query)
    refused = str(found["errors"])
    assert field in refused
    assert "in a nested session" in refused
