"""Work side by side: results in order, the first failure alone, nothing left running."""

from __future__ import annotations

import anyio
import pytest

from keelway._together import each, together


async def value(what: object, delay_s: float = 0) -> object:
    await anyio.sleep(delay_s)
    return what


async def failing(error: Exception, delay_s: float = 0) -> None:
    await anyio.sleep(delay_s)
    raise error


async def test_results_come_in_the_order_of_the_work() -> None:
    assert await together(value("slow", 0.02), value("quick")) == ("slow", "quick")


async def test_it_is_side_by_side() -> None:
    first, second = anyio.Event(), anyio.Event()

    async def meet(own: anyio.Event, other: anyio.Event) -> None:
        own.set()
        await other.wait()

    with anyio.fail_after(5):
        await together(meet(first, second), meet(second, first))


async def test_the_failure_itself_is_raised_and_the_others_are_stopped() -> None:
    stopped = False

    async def long() -> None:
        nonlocal stopped
        try:
            await anyio.sleep(60)
        finally:
            stopped = True

    with anyio.fail_after(5), pytest.raises(ValueError, match="broken"):
        await together(long(), failing(ValueError("broken")))
    assert stopped


async def test_two_failures_at_once_are_both_told() -> None:
    async def fail_when_stopped() -> None:
        try:
            await anyio.sleep(60)
        finally:
            raise KeyError("second")

    with pytest.raises(ValueError, match="first") as raised:
        await together(fail_when_stopped(), failing(ValueError("first")))
    assert raised.value.__notes__ == ["also failed: 'second'"]


async def test_one_cause_of_two_failures_is_told_once() -> None:
    async def fail_too() -> None:
        try:
            await anyio.sleep(60)
        finally:
            raise ValueError("the password is wrong")

    with pytest.raises(ValueError, match="the password is wrong") as raised:
        await together(fail_too(), failing(ValueError("the password is wrong")))
    assert not hasattr(raised.value, "__notes__")


async def test_what_never_started_does_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await together(value(1), value(2))
    assert not recwarn.list


async def test_each_keeps_the_order_and_its_limit() -> None:
    running = most = 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.01 if number % 2 else 0)
        running -= 1
        return number * number

    assert await each(work, range(9), limit=3) == tuple(n * n for n in range(9))
    assert most == 3


async def test_each_of_nothing_is_nothing() -> None:
    assert await each(value, []) == ()


async def test_being_stopped_from_outside_is_no_failure() -> None:
    with anyio.move_on_after(0.01) as scope:
        await each(anyio.sleep, [60, 60])
    assert scope.cancelled_caught
