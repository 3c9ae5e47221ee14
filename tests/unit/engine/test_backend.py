"""The parts of a session, made once and behind the client's back."""

from __future__ import annotations

import threading

import pytest

from keelway.engine.backend import Backend
from keelway.engine.errors import EngineError
from keelway.engine.schema.registry import Resolvers
from tests.unit.engine.server.fake_engine import Session

Parts = tuple[Resolvers, Session]


def test_parts_are_made_once_however_many_ask() -> None:
    made: list[Parts] = []

    def make() -> Parts:
        made.append((Resolvers(), Session()))
        return made[-1]

    backend = Backend(make)
    assert backend.made() is None
    threads = [threading.Thread(target=backend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert backend() is made[0]
    assert backend.made() is made[0]


def test_they_are_made_before_anybody_asks() -> None:
    made, other = threading.Event(), threading.Event()

    def make() -> Parts:
        made.set()
        return Resolvers(), Session()

    backend = Backend(make)
    backend.prepare(other.set)
    backend.prepare(lambda: pytest.fail("prepared twice"))
    assert made.wait(10)
    assert other.is_set()


def test_what_fails_is_told_to_each_who_asks() -> None:
    def make() -> Parts:
        raise EngineError("no runtime")

    backend = Backend(make)
    for _ in range(2):
        with pytest.raises(EngineError, match="no runtime"):
            backend()
    assert backend.made() is None
