from __future__ import annotations

import base64

from keelway.engine.schema.clients import Clients


def sent(token: str) -> bytes:
    return base64.b64encode(f"{token}:".encode())


def test_each_is_known_by_a_token_of_its_own() -> None:
    clients = Clients("first", 4000)
    own = clients.find(sent("first"))
    assert own is not None
    assert not own.nested
    token = clients.add()
    nested = clients.find(sent(token))
    assert nested is not None
    assert nested.nested
    assert [caller.id for caller in clients.all()] == [own.id, nested.id]


def test_a_token_that_was_taken_away_is_nobodys() -> None:
    clients = Clients("first")
    token = clients.add()
    clients.remove(token)
    clients.remove(token)
    assert clients.find(sent(token)) is None
    assert clients.find(b"") is None
    assert clients.find(sent("first")) is not None
