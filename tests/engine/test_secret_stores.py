"""Secrets of Vault and Amazon's stores, by the environment of whoever opened the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.secret_stores import secret_stores

if TYPE_CHECKING:
    from tests.engine.conftest import NewSession
    from tests.support.engines import Engine


async def test_secrets_of_stores_are_read_by_the_clients_environment(
    new_session: NewSession, engine: Engine
) -> None:
    with secret_stores() as stores:
        stores.vault["shop/production"] = {"password": "of vault"}
        stores.secrets["shop/key"] = "of secrets manager"
        stores.parameters["/shop/password"] = "of parameter store"
        client = await new_session(engine.with_environment(**stores.environment))
        for uri, value in (
            ("vault://shop/production.password", "of vault"),
            ("aws+sm://shop/key", "of secrets manager"),
            ("aws+ps://shop/password", "of parameter store"),
        ):
            assert await client.secret(uri).plaintext() == value
        with pytest.raises(Exception, match="shop/other"):
            await client.secret("vault://shop/other.password").plaintext()
