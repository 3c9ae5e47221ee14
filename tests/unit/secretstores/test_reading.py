"""Secrets of Vault and of Amazon's stores, asked of servers that speak as those do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keelway._secrets import read_own_secret
from keelway.errors import PlanError
from keelway.secretstores.exchange import StoreError
from keelway.secretstores.reading import read_from_store
from tests.support.ports import free_port
from tests.support.secret_stores import LENT, ROLE, ROLE_SECRET, SecretStores, secret_stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUE = "hunter2 of the tests"


@pytest.fixture
def stores() -> Iterator[SecretStores]:
    with secret_stores() as running:
        running.vault["shop/production"] = {"password": VALUE, "port": 5432}
        running.secrets["shop/login"] = json.dumps({"password": VALUE, "port": 5432})
        running.secrets["shop/key"] = VALUE.encode()
        running.parameters["/shop/password"] = VALUE
        yield running


def read(stores: SecretStores, source: str, **more: str) -> bytes:
    scheme, _, place = source.partition("://")
    return read_from_store(scheme, place, {**stores.environment, **more})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("vault://shop/production.password", VALUE),
        ("vault://shop/production.password?ttl=5m", VALUE),
        ("aws+sm://shop/login?field=password", VALUE),
        ("aws+sm://shop/login?field=port", "5432"),
        ("aws+sm://shop/login?stage=AWSCURRENT", json.dumps({"password": VALUE, "port": 5432})),
        ("aws+sm://shop/key", VALUE),
        ("aws+ps://shop/password", VALUE),
    ],
)
def test_a_secret_is_read_by_its_address(stores: SecretStores, source: str, value: str) -> None:
    assert read(stores, source).decode() == value


def test_a_role_logs_in_to_vault(stores: SecretStores) -> None:
    role = {"VAULT_APPROLE_ROLE_ID": ROLE, "VAULT_APPROLE_SECRET_ID": ROLE_SECRET}
    assert read(stores, "vault://shop/production.password", VAULT_TOKEN="", **role)
    assert stores.asked[-1].headers["x-vault-token"] == LENT
    with pytest.raises(StoreError, match="does not let the role in"):
        read(stores, "vault://a.b", **{**role, "VAULT_APPROLE_SECRET_ID": "wrong"})


def test_the_token_that_vault_login_left_counts(stores: SecretStores, tmp_path: Path) -> None:
    token = stores.environment["VAULT_TOKEN"]
    (tmp_path / ".vault-token").write_text(f"{token}\n")
    source = "vault://shop/production.password"
    assert read(stores, source, VAULT_TOKEN="", HOME=str(tmp_path)).decode() == VALUE


def test_aws_lends_the_keys_of_a_profile(stores: SecretStores, tmp_path: Path) -> None:
    keys = stores.environment
    lent = {
        "AccessKeyId": keys["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
    }
    program = tmp_path / "aws"
    program.write_text(
        '#!/bin/sh\n[ "$*" = "configure export-credentials --format process" ] || exit 2\n'
        f"echo '{json.dumps(lent)}'\n"
    )
    program.chmod(0o755)
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "PATH": f"{tmp_path}:/bin"}
    assert read(stores, "aws+sm://shop/key", **none).decode() == VALUE


def test_a_store_that_is_busy_for_a_moment_is_asked_again(stores: SecretStores) -> None:
    stores.busy = 2
    assert read(stores, "vault://shop/production.password").decode() == VALUE


@pytest.mark.parametrize(
    ("source", "variables", "said"),
    [
        ("vault://shop/staging.password", {}, "Vault has no secret secret/shop/staging"),
        ("vault://shop/production.user", {}, "has no field user"),
        ("vault://shop/production.port", {}, "is no text"),
        ("vault://shop/production", {}, "with one dot"),
        ("vault://shop.a.b", {}, "with one dot"),
        ("vault://shop/production.password", {"VAULT_TOKEN": "hvs.old"}, "does not let this token"),
        (
            "vault://shop/production.password",
            {"VAULT_TOKEN": "", "HOME": "/nowhere"},
            "VAULT_TOKEN",
        ),
        ("vault://a.b", {"VAULT_ADDR": "ftp://vault"}, "no address of http"),
        ("aws+sm://shop/other", {}, "the secret shop/other is not there"),
        ("aws+sm://shop/login?field=user", {}, "has no field user"),
        ("aws+sm://shop/key?field=user", {}, "is no JSON"),
        ("aws+sm://shop/login?stage=a&version=b", {}, "not both"),
        ("aws+sm://shop/login?filed=a", {}, "NAME, or NAME"),
        ("aws+sm://shop/login", {"AWS_REGION": ""}, "no region is named"),
        (
            "aws+sm://shop/login",
            {"AWS_SECRET_ACCESS_KEY": "wrong"},
            "does not accept the signature",
        ),
        ("aws+ps://shop/other", {}, "the parameter /shop/other is not there"),
        ("aws+ps://a", {"AWS_ACCESS_KEY_ID": "", "PATH": "/nowhere"}, "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_what_cannot_be_had_is_told_without_any_secret(
    stores: SecretStores, source: str, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(StoreError) as error:
        read(stores, source, **variables)
    assert said in str(error.value)
    assert VALUE not in str(error.value)
    assert "secret-key" not in str(error.value)


def test_a_store_that_is_not_there_is_told() -> None:
    environment = {"VAULT_ADDR": f"http://127.0.0.1:{free_port()}", "VAULT_TOKEN": "t"}
    with pytest.raises(StoreError, match="Vault does not answer"):
        read_from_store("vault", "a.b", environment)


async def test_what_needs_no_engine_reads_them_itself(
    stores: SecretStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stores.environment.items():
        monkeypatch.setenv(name, value)
    source = "aws+sm://shop/login?field=password"
    assert await read_own_secret(source, what="the password") == VALUE
    with pytest.raises(PlanError, match="has no secret") as error:
        await read_own_secret("vault://shop/staging.password", what="the password")
    assert "VAULT_ADDR and VAULT_TOKEN" in (error.value.next_step or "")
