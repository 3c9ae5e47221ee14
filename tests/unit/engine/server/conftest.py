"""A gateway over the fake session, as the server's tests use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from keelway.engine.backend import Backend
from keelway.engine.schema.cache import SchemaCache
from keelway.engine.schema.client import find_client
from keelway.engine.schema.request import NoClient
from keelway.engine.server.gateway import Gateway
from tests.unit.engine.server.fake_engine import RESOLVERS, Session

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> SchemaCache:
    return SchemaCache.open(tmp_path_factory.mktemp("schema"), find_client())


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def gateway(schema: SchemaCache, session: Session) -> Gateway:
    return Gateway(schema, Backend(lambda: (RESOLVERS, session)))


@pytest.fixture
def ask(gateway: Gateway) -> Ask:
    """Return a function that asks a query and returns the whole answer."""

    def ask(text: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        query = {"query": text, "variables": variables, **more}
        _, body = gateway(query, NoClient())
        assert isinstance(body, bytes)
        answer: dict[str, Any] = json.loads(body)
        return answer

    return ask
