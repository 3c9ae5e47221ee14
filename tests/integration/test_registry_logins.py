"""Logins to a registry as people have them: accounts, tokens, Docker's configuration, helpers."""

from __future__ import annotations

import base64
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from keelway.errors import PlanError, RegistryError
from keelway.registry.client import open_repository
from keelway.registry.content import EMPTY_TYPE
from keelway.registry.logins import TOKEN_USER, Login, load_logins
from tests.support.registry import PASSWORD, USER, running_registry
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import Registry

GOOD = Login(username=USER, password=PASSWORD)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("accounts")
    with running_registry(folder, account=(USER, PASSWORD)) as running:
        yield running


async def _put(address: str, login: Login | None) -> None:
    async with open_repository(f"{address}/demo/x", login=login, stage="test") as opened:
        await opened.put_blob(b"{}", EMPTY_TYPE)


def _docker_config(folder: Path, document: object) -> str:
    file = folder / "config.json"
    file.write_text(json.dumps(document))
    return str(file)


def _helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "docker-credential-demo"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


async def test_an_account_may_push(registry: Registry) -> None:
    await _put(registry.address, GOOD)


async def test_nobody_is_told_to_log_in(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="asks for a login, and there is none") as caught:
        await _put(registry.address, None)
    assert f"`docker login {registry.address}`" in caught.value.diagnostics()


async def test_a_wrong_password_is_told_as_such(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="HTTP 401") as caught:
        await _put(registry.address, Login(username=USER, password="not the one"))
    assert "log in with an account that may do this" in caught.value.diagnostics()
    assert "not the one" not in caught.value.diagnostics()


async def test_dockers_configuration_is_read(registry: Registry, tmp_path: Path) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file = _docker_config(tmp_path, {"auths": {registry.address: {"auth": auth}}})
    found = await load_logins((str(tmp_path / "missing.json"), file))
    await _put(registry.address, await found.find(registry.address))


@pytest.mark.parametrize("where", ["credHelpers", "credsStore"])
async def test_a_credential_helper_is_asked(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    said = f'read host; [ "$1 $host" = "get {registry.address}" ] && echo \'{answer}\''
    _helper(tmp_path, monkeypatch, said)
    named = {registry.address: "demo"} if where == "credHelpers" else "demo"
    # `docker login` leaves an empty entry beside the helper that has the password.
    file = _docker_config(tmp_path, {"auths": {registry.address: {}}, where: named})
    found = await load_logins((file,))
    await _put(registry.address, await found.find(registry.address))


async def test_a_helper_that_knows_nothing_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    found = await load_logins((_docker_config(tmp_path, {"credsStore": "demo"}),))
    assert await found.find("registry.example.com") is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo the vault is locked; exit 1", "docker-credential-demo gave no login for"),
        ('echo \'{"Username": "ci"\'', "docker-credential-demo answered what is no login"),
        ("echo '{}'", "docker-credential-demo answered what is no login"),
    ],
)
async def test_a_helper_that_breaks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    _helper(tmp_path, monkeypatch, script)
    found = await load_logins((_docker_config(tmp_path, {"credsStore": "demo"}),))
    with pytest.raises(PlanError, match=reason):
        await found.find("registry.example.com")


async def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    found = await load_logins((_docker_config(tmp_path, {"credsStore": "nowhere"}),))
    with pytest.raises(PlanError, match="docker-credential-nowhere, which cannot be run"):
        await found.find("registry.example.com")


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"a.test": {"auth": "no base64!"}}}'])
async def test_a_configuration_that_cannot_be_read_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(PlanError, match="cannot be read"):
        await load_logins((str(tmp_path / "config.json"),))


class TokenRegistry:
    """A registry that asks for tokens (distribution specification, "Token Authentication")."""

    def __init__(self) -> None:
        self.address = ""
        self.valid: set[str] = set()
        self.given = 0
        self.asked: list[str] = []
        self.accounts = {f"Basic {base64.b64encode(b'ci:secret').decode()}"}
        self.refresh_tokens = {"identity"}
        self.forbidden = False

    def answer(self, asked: Asked) -> Reply:
        path = urlsplit(asked.path)
        if path.path == "/token":
            return self._token(asked, path.query)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.valid:
            challenge = (
                f'Bearer realm="http://{self.address}/token",service="registry.test",'
                f'scope="repository:demo/x:pull,push"'
            )
            return Reply(status=401, headers={"WWW-Authenticate": challenge})
        if self.forbidden:
            return Reply(status=403, body=b'{"errors":[{"code":"DENIED"}]}')
        return Reply(status=200)  # the blob is there

    def _token(self, asked: Asked, query: str) -> Reply:
        if asked.method == "POST":
            form = parse_qs(asked.body.decode())
            known = form["refresh_token"][0] in self.refresh_tokens
            self.asked.append(form["scope"][0])
        else:
            known = asked.headers.get("authorization") in self.accounts
            self.asked.append(parse_qs(query)["scope"][0])
        if not known:
            return Reply(status=401, body=b'{"details":"incorrect username or password"}')
        self.given += 1
        token = f"token-{self.given}"
        self.valid = {token}
        return Reply(body=json.dumps({"token": token, "expires_in": 60}).encode())


@contextmanager
def token_registry() -> Iterator[TokenRegistry]:
    registry = TokenRegistry()
    with answering(registry.answer) as address:
        registry.address = address
        yield registry


@pytest.mark.parametrize(
    "login",
    [Login(username="ci", password="secret"), Login(username=TOKEN_USER, password="identity")],
)
async def test_a_token_is_fetched_once_for_many_requests(login: Login) -> None:
    with token_registry() as registry:
        name = f"{registry.address}/demo/x"
        async with (
            open_repository(name, login=login, stage="test") as opened,
            anyio.create_task_group() as group,
        ):
            for _ in range(5):
                group.start_soon(opened.put_blob, b"{}", EMPTY_TYPE)
        assert registry.given == 1
        assert registry.asked == ["repository:demo/x:pull,push"]


async def test_a_token_that_expired_is_fetched_anew() -> None:
    with token_registry() as registry:
        login = Login(username="ci", password="secret")
        name = f"{registry.address}/demo/x"
        async with open_repository(name, login=login, stage="test") as opened:
            await opened.put_blob(b"{}", EMPTY_TYPE)
            registry.valid = set()
            await opened.put_blob(b"[]", EMPTY_TYPE)
        assert registry.given == 2


async def test_a_login_that_expired_is_told_as_such() -> None:
    with token_registry() as registry:
        registry.refresh_tokens = set()
        login = Login(username=TOKEN_USER, password="identity")
        with pytest.raises(RegistryError, match="refused the login") as caught:
            await _put(registry.address, login)
        assert "a token may have expired" in caught.value.diagnostics()


async def test_an_account_that_may_not_push_is_told_so() -> None:
    with token_registry() as registry:
        registry.forbidden = True
        login = Login(username="ci", password="secret")
        began = time.monotonic()
        with pytest.raises(RegistryError, match="HTTP 403") as caught:
            await _put(registry.address, login)
        assert "DENIED" in caught.value.diagnostics()
        assert time.monotonic() - began < 20, "what is forbidden is not tried again"


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}"])
async def test_a_token_server_that_answers_no_token_is_told_as_such(body: bytes) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            return Reply(body=body)
        realm = f'Bearer realm="http://{asked.headers["host"]}/token",service="s"'
        return Reply(status=401, headers={"WWW-Authenticate": realm})

    with (
        answering(answer) as address,
        pytest.raises(RegistryError, match="gave no token"),
    ):
        await _put(address, GOOD)
