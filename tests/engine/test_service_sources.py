"""What the engine itself fetches from services, and pushes to them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.missing import need
from tests.support.programs import with_program
from tests.support.repositories import new_repository
from tests.support.shell import output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.raw_session import RawSession

PORT = 8080
SERVE = f"httpd -f -p {PORT} -h /srv"


def serving(container: dagger.Container, command: str = SERVE) -> dagger.Service:
    """Return a web server of the folder `/srv`."""
    return container.with_exposed_port(PORT).as_service(args=command.split())


async def test_http_asks_a_service(base: dagger.Container, dag: dagger.Client, nonce: str) -> None:
    service = serving(base.with_new_file("/srv/page", nonce))
    url = f"{await service.endpoint(scheme='http')}/page"
    file = dag.http(url, experimental_service_host=service)
    assert await file.contents() == nonce
    assert await output(base.with_file("/page", file), "cat /page") == nonce


async def test_http_status_of_a_service_is_told(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    service = serving(base.with_new_file("/srv/page", nonce))
    url = f"{await service.endpoint(scheme='http')}/other"
    with pytest.raises(dagger.QueryError, match="404"):
        await dag.http(url, experimental_service_host=service).contents()


async def test_http_of_a_service_that_does_not_start_is_its_error(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    service = serving(base.with_new_file("/srv/page", nonce), "false")
    host = await service.hostname()
    with pytest.raises(dagger.ExecError) as caught:
        await dag.http(f"http://{host}:{PORT}/", experimental_service_host=service).contents()
    assert str(caught.value) == f"start {host} (no aliases): exit code: 1"


async def test_git_asks_a_service(
    base: dagger.Container, dag: dagger.Client, tmp_path: Path, nonce: str
) -> None:
    repository = new_repository(tmp_path / "work")
    commit = repository.commit({"README": nonce})
    repository.git("update-server-info")  # the server gives out files and knows nothing of git
    shutil.copytree(repository.path / ".git", tmp_path / "served" / "repo.git")
    served = dag.host().directory(str(tmp_path / "served"))
    service = serving(base.with_directory("/srv", served)).with_hostname(f"git-{nonce}")
    url = f"http://git-{nonce}:{PORT}/repo.git"
    found = dag.git(url, experimental_service_host=service)
    assert await found.branch("main").commit() == commit
    assert await found.head().tree().file("README").contents() == nonce
    with pytest.raises(dagger.QueryError):
        await dag.git(url.replace("git-", "no-"), experimental_service_host=service).tags()


@pytest.fixture
def bound_registry(base: dagger.Container, dag: dagger.Client, nonce: str) -> dagger.Service:
    """An empty registry, the host's program in a container."""
    program = need("docker-registry", package="docker-registry")
    config = (
        "version: 0.1\nstorage: {filesystem: {rootdirectory: /registry}}\n"
        "http: {addr: ':5000'}\nlog: {level: error}\n"
    )
    return (
        with_program(dag, base, program)
        .with_new_file("/config.yml", config)
        .with_mounted_cache("/registry", dag.cache_volume(nonce))
        .with_exposed_port(5000)
        .as_service(args=[program, "serve", "/config.yml"])
    )


async def test_image_goes_to_a_registry_in_a_service_and_comes_back(
    base: dagger.Container, dag: dagger.Client, bound_registry: dagger.Service, nonce: str
) -> None:
    image = base.with_new_file("/mark", nonce)
    address = f"bound-registry:5000/app:{nonce[:8]}"
    pushed = await image.publish(address, registry_service=bound_registry)
    assert pushed.startswith(f"{address}@sha256:")
    again = dag.container().from_(address, registry_service=bound_registry)
    assert await output(again, "cat /mark") == nonce
    assert await again.image_ref() == pushed


async def test_image_that_a_registry_in_a_service_does_not_have_is_told(
    dag: dagger.Client, bound_registry: dagger.Service
) -> None:
    with pytest.raises(dagger.QueryError, match="not found in the registry bound-registry:5000"):
        await settle(
            dag.container().from_("bound-registry:5000/no", registry_service=bound_registry)
        )


def test_service_must_be_one(raw: RawSession) -> None:
    directory = raw.data("{ directory { id } }")["directory"]["id"]
    query = f'{{ http(url: "http://x/", experimentalServiceHost: "{directory}") {{ contents }} }}'
    assert "expected the ID of a Service" in raw.error(query)["message"]
