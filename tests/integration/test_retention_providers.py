"""Deletion by providers' own APIs, where the registry itself answers 405."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from keelway.errors import RegistryError
from keelway.model.image import Digest
from keelway.registry.logins import Login
from keelway.retention.removers.docker_hub import DockerHub
from keelway.retention.removers.ghcr import Ghcr
from keelway.retention.removing import open_remover
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN = Login(username="ada", password="secret")
FIRST, SECOND, UNKNOWN = (Digest(f"sha256:{number:064x}") for number in (1, 2, 3))


def registry_and(api: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """Return a registry that deletes nothing, with a provider's API at the same address."""

    def answer(asked: Asked) -> Reply:
        if "/manifests/" in asked.path:
            return Reply(status=405, body=b'{"errors":[{"code":"UNSUPPORTED"}]}')
        return api(asked)

    return answer


def said(document: object, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


async def test_ghcr_deletes_versions_of_a_package_and_lists_those_without_a_tag() -> None:
    versions = {
        1: {"id": 1, "name": FIRST, "created_at": "2026-03-01T00:00:00Z"},
        2: {"id": 2, "name": SECOND, "created_at": "2026-03-02T00:00:00Z"},
    }
    seen: list[str] = []

    def github(asked: Asked) -> Reply:
        assert asked.headers["authorization"] == "Bearer secret"
        seen.append(f"{asked.method} {asked.path}")
        package = "/users/ada/packages/container/shop%2Forders"
        if asked.path.startswith("/orgs/"):
            return said({"message": "Not Found"}, 404)
        if asked.method == "DELETE":
            del versions[int(asked.path.rpartition("/")[2])]
            return Reply(status=204)
        if asked.path == package:
            return said({"name": "shop/orders"})
        assert asked.path == f"{package}/versions?per_page=100&page=1"
        return said(list(versions.values()))

    with answering(registry_and(github)) as address:
        make = partial(Ghcr, base=f"http://{address}")
        name = f"{address}/ada/shop/orders"
        async with open_remover(name, LOGIN, api=make) as remover:
            pushed = await remover.pushed()
            assert pushed[FIRST].isoformat() == "2026-03-01T00:00:00+00:00"
            assert await remover.delete(FIRST, ["1.0"])
            assert not await remover.delete(UNKNOWN, [])
    assert list(versions) == [2]
    assert sum(one.startswith("DELETE") for one in seen) == 1


async def test_what_github_refuses_is_told_in_its_words() -> None:
    def github(asked: Asked) -> Reply:
        if asked.method == "DELETE":
            return said({"message": "You cannot delete the last tagged version"}, 400)
        if asked.path.endswith("page=1"):
            return said([{"id": 1, "name": FIRST, "created_at": "2026-03-01T00:00:00Z"}])
        return said({})

    with answering(registry_and(github)) as address:
        make = partial(Ghcr, base=f"http://{address}")
        async with open_remover(f"{address}/ada/orders", LOGIN, api=make) as remover:
            with pytest.raises(RegistryError) as caught:
                await remover.delete(FIRST, ["1.0"])
    assert "the last tagged version" in caught.value.diagnostics()
    assert "secret" not in caught.value.diagnostics()


async def test_docker_hub_deletes_tags() -> None:
    tags = {"1.0": FIRST, "old": SECOND}

    def hub(asked: Asked) -> Reply:
        if asked.path == "/v2/auth/token":
            assert json.loads(asked.body) == {"identifier": "ada", "secret": "secret"}
            return said({"access_token": "token"})
        assert asked.headers["authorization"] == "Bearer token"
        if asked.method == "DELETE":
            begin = "/v2/repositories/ada/orders/tags/"
            there = tags.pop(asked.path.removeprefix(begin).removesuffix("/"), None)
            return Reply(status=404 if there is None else 204)
        assert asked.path == "/v2/namespaces/ada/repositories/orders/tags?page_size=100"
        listed = [
            {"name": tag, "digest": digest, "tag_last_pushed": "2026-03-01T00:00:00Z"}
            for tag, digest in tags.items()
        ]
        return said({"results": listed, "next": None})

    with answering(registry_and(hub)) as address:
        make = partial(DockerHub, base=f"http://{address}")
        async with open_remover(f"{address}/ada/orders", LOGIN, api=make) as remover:
            assert set(await remover.pushed()) == {FIRST, SECOND}
            assert await remover.delete(SECOND, ["old"])
            assert not await remover.delete(SECOND, ["old"])
            with pytest.raises(RegistryError, match="deletes what has a tag"):
                await remover.delete(UNKNOWN, [])
    assert list(tags) == ["1.0"]
