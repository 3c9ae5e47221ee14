"""Jobs side by side."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from functools import partial

import pytest

from keelway.engine.server.branches import Branches


def test_results_keep_the_order_of_the_jobs() -> None:
    ready = [threading.Event() for _ in range(3)]

    def job(number: int) -> int:
        if number < 2:
            ready[number + 1].wait(10)
        ready[number].set()
        return number

    assert Branches().run([partial(job, number) for number in range(3)]) == [0, 1, 2]


def test_nested_jobs_never_wait_for_a_thread() -> None:
    branches = Branches(most=2)

    def job(depth: int) -> int:
        return 1 if depth == 0 else sum(branches.run([partial(job, depth - 1)] * 3))

    assert job(5) == 3**5


def test_the_first_error_is_raised() -> None:
    def fail() -> int:
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        Branches().run([fail, lambda: 1])


def test_jobs_see_the_context_of_their_caller() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("seen")
    assert Branches().run([variable.get, variable.get]) == ["seen", "seen"]


def test_threads_are_given_back() -> None:
    branches = Branches(most=1)
    for _ in range(5):
        here = threading.get_ident()
        used = branches.run([threading.get_ident, threading.get_ident])
        assert used[0] != here
        assert used[1] == here
