"""`Query.git` by ssh: agents, trusted servers, and what the client's environment has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.repositories import Repository, new_repository
from tests.support.ssh_server import SshServer, new_key, ssh_agent, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine

pytestmark = pytest.mark.usefixtures("local_only")  # the server is on this machine's loopback


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = new_repository(tmp_path_factory.mktemp("served") / "app.git")
    made.commit({"a.txt": "one\n"})
    made.git("tag", "v1.0.0")
    made.commit({"a.txt": "two\n"})
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def agent(server: SshServer) -> Iterator[Path]:
    """The socket of an agent with the key that the server lets in."""
    with ssh_agent(server.key) as path:
        yield path


def at(server: SshServer, repository: Repository) -> str:
    return f"{server.url}{repository.path}"


async def test_agent_and_known_hosts_open_a_server(
    dag: dagger.Client, server: SshServer, agent: Path, repository: Repository
) -> None:
    repo = dag.git(
        at(server, repository),
        ssh_known_hosts=server.known_hosts,
        ssh_auth_socket=dag.host().unix_socket(str(agent)),
    )
    assert await repo.head().commit() == repository.git("rev-parse", "HEAD")
    assert await repo.tags() == ["v1.0.0"]
    assert await repo.tag("v1.0.0").tree().file("a.txt").contents() == "one\n"
    assert await repo.head().tree(discard_git_dir=True).file("a.txt").contents() == "two\n"


async def test_dockerfile_adds_a_repository_with_the_agent_it_was_given(
    dag: dagger.Client, server: SshServer, agent: Path, repository: Repository
) -> None:
    dockerfile = f"FROM scratch\nADD {at(server, repository)}#v1.0.0 /src\n"
    context = dag.directory().with_new_file("Dockerfile", dockerfile)
    built = context.docker_build(ssh=dag.host().unix_socket(str(agent)))
    assert await built.file("/src/a.txt").contents() == "one\n"


async def test_server_that_nobody_knows_is_trusted_unless_others_are_named(
    dag: dagger.Client,
    server: SshServer,
    agent: Path,
    repository: Repository,
    tmp_path: Path,
) -> None:
    socket = dag.host().unix_socket(str(agent))
    url = at(server, repository)
    assert await dag.git(url, ssh_auth_socket=socket).branches() == ["main"]
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    place = server.known_hosts.split()[0]
    for known in (f"{place} {other[0]} {other[1]}\n", f"example.com {other[0]} {other[1]}\n"):
        strict = dag.git(url, ssh_auth_socket=socket, ssh_known_hosts=known)
        with pytest.raises(dagger.QueryError, match="Host key verification failed"):
            await strict.head().commit()


async def test_agent_without_the_key_is_not_let_in(
    dag: dagger.Client, server: SshServer, repository: Repository, tmp_path: Path
) -> None:
    with ssh_agent(new_key(tmp_path / "other")) as path:
        socket = dag.host().unix_socket(str(path))
        with pytest.raises(dagger.QueryError, match="Permission denied"):
            await dag.git(at(server, repository), ssh_auth_socket=socket).head().commit()
    gone = dag.git(at(server, repository), ssh_auth_socket=socket, ssh_known_hosts="a b c")
    with pytest.raises(dagger.QueryError, match="agent of the host: no such file"):
        await gone.head().commit()


async def test_agent_of_the_clients_environment_is_the_default(
    new_session: NewSession,
    engine: Engine,
    server: SshServer,
    agent: Path,
    repository: Repository,
) -> None:
    client = await new_session(engine.with_environment(SSH_AUTH_SOCK=str(agent)))
    repo = client.git(at(server, repository), ssh_known_hosts=server.known_hosts)
    assert await repo.head().tree().file("a.txt").contents() == "two\n"


async def test_without_an_agent_the_error_says_so(
    new_session: NewSession, engine: Engine, server: SshServer, repository: Repository
) -> None:
    client = await new_session(engine.with_environment(SSH_AUTH_SOCK=""))
    with pytest.raises(dagger.QueryError, match="SSH URLs are not supported without an SSH socket"):
        await client.git(at(server, repository)).head().commit()


async def test_user_of_an_ssh_server_is_git_unless_it_is_named(dag: dagger.Client) -> None:
    for url, full in (
        ("ssh://example.com/a/b", "ssh://git@example.com/a/b"),
        ("ssh://me@example.com:2222/a", "ssh://me@example.com:2222/a"),
        ("example.com:a/b.git", "git@example.com:a/b.git"),
        ("me@example.com:a/b.git", "me@example.com:a/b.git"),
    ):
        assert await dag.git(url).url() == full
