"""The lock on a host: one holder, who is named; the dead are told from the slow."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway.deploy import lock
from keelway.deploy.host import HostError, LocalHost
from keelway.deploy.layout import Layout
from keelway.deploy.lock import Holder, LockedError, Wish, break_lock, holding, look, still_ours

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.deploy.lock import Broken

HOST = LocalHost()


def holder(who: str = "ada", expires_s: float = 300) -> Holder:
    return Holder(
        token=lock.new_token(),
        who=who,
        where="GitHub Actions",
        doing="deploying v1.2.0",
        run_url="https://ci.example.com/runs/7",
        since=datetime(2026, 11, 21, 20, 0, tzinfo=UTC),
        expires_s=expires_s,
    )


def wish(of: Holder, wait_s: float = 0) -> Wish:
    return Wish(holder=of, target="web", wait_s=wait_s, tell=print)


async def seen(broken: Broken) -> Broken:
    return broken


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path / "orders"))


def left_behind(layout: Layout, of: Holder | None, age_s: float) -> None:
    """Leave what a killed deployment leaves."""
    os.makedirs(layout.lock)  # noqa: PTH103 - the layout is text
    path = layout.lock
    if of is not None:
        path = f"{layout.lock}/holder.json"
        with open(path, "w") as file:  # noqa: PTH123 - a name as a string
            file.write(of.model_dump_json())
    before = time.time() - age_s
    os.utime(path, (before, before))


async def test_it_is_there_while_somebody_works_and_says_who(layout: Layout) -> None:
    async def work(_: Broken) -> None:
        held = await look(HOST, layout)
        assert held is not None
        assert held.words().startswith(
            "ada (GitHub Actions, https://ci.example.com/runs/7), deploying v1.2.0 since "
            "2026-11-21 20:00:00 UTC; the last sign of life was "
        )

    await holding([(HOST, layout)], wish(holder()), work)
    assert await look(HOST, layout) is None


async def test_of_many_who_want_it_at_once_one_gets_it(layout: Layout) -> None:
    inside, most = 0, 0
    refused: list[LockedError] = []

    async def work(_: Broken) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await anyio.sleep(0.3)
        inside -= 1

    async def one() -> None:
        try:
            await holding([(HOST, layout)], wish(holder()), work)
        except LockedError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(one)
    assert (most, inside) == (1, 0)
    assert "keelway unlock web --reason" in str(refused[0].next_step)


async def test_it_is_waited_for_on_request(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "POLL_S", 0.05)
    order: list[str] = []

    async def first(_: Broken) -> None:
        started.set()
        await anyio.sleep(0.4)
        order.append("first")

    async def second(_: Broken) -> None:
        order.append("second")

    started = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(holding, [(HOST, layout)], wish(holder()), first)
        await started.wait()
        await holding([(HOST, layout)], wish(holder("bob"), wait_s=20), second)
    assert order == ["first", "second"]


async def test_a_failure_gives_it_back(layout: Layout) -> None:
    async def work(_: Broken) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await holding([(HOST, layout)], wish(holder()), work)
    assert await look(HOST, layout) is None


async def test_that_of_the_dead_counts_no_more_and_is_told(layout: Layout) -> None:
    left_behind(layout, holder("eve", expires_s=60), age_s=120)
    ((host, held),) = await holding([(HOST, layout)], wish(holder()), seen)
    assert host is HOST
    assert held.holder is not None
    assert (held.holder.who, held.is_expired) == ("eve", True)


async def test_that_of_the_living_counts(layout: Layout) -> None:
    left_behind(layout, holder("eve", expires_s=60), age_s=30)
    with pytest.raises(LockedError, match=r"is locked by eve .*sign of life was 3\d s ago"):
        await holding([(HOST, layout)], wish(holder()), seen)


async def test_one_whose_holder_was_killed_at_once_expires_too(layout: Layout) -> None:
    left_behind(layout, None, age_s=10)
    with pytest.raises(LockedError, match="somebody who did not say who"):
        await holding([(HOST, layout)], wish(holder()), seen)
    os.utime(layout.lock, (0, 0))
    assert len(await holding([(HOST, layout)], wish(holder()), seen)) == 1


async def test_one_that_was_broken_is_noticed_by_its_holder_and_never_taken_from_the_next(
    layout: Layout,
) -> None:
    mine, theirs = holder(), holder("bob")

    async def work(_: Broken) -> None:
        await still_ours(HOST, layout, mine)
        held = await look(HOST, layout)
        assert held is not None
        assert await break_lock(HOST, layout, held)
        assert not await break_lock(HOST, layout, held)
        left_behind(layout, theirs, age_s=0)
        assert not await break_lock(HOST, layout, held)
        with pytest.raises(HostError, match="was taken away meanwhile"):
            await still_ours(HOST, layout, mine)

    await holding([(HOST, layout)], wish(mine), work)
    held = await look(HOST, layout)
    assert held is not None
    assert held.holder == theirs


async def test_signs_of_life_keep_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_S", 0.1)

    async def work(__: Broken) -> None:
        os.utime(f"{layout.lock}/holder.json", (0, 0))
        for _ in range(200):
            await anyio.sleep(0.1)
            held = await look(HOST, layout)
            if held is not None and not held.is_expired:
                return
        raise AssertionError("no sign of life")

    await holding([(HOST, layout)], wish(holder()), work)


async def test_of_several_hosts_all_are_locked_or_none(tmp_path: Path) -> None:
    layouts = [Layout(str(tmp_path / name)) for name in "cab"]
    left_behind(layouts[0], holder("eve"), age_s=0)
    with pytest.raises(LockedError):
        await holding([(HOST, one) for one in layouts], wish(holder()), seen)
    assert [await look(HOST, one) is None for one in layouts] == [False, True, True]


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot be made"):
        await holding([(HOST, Layout(str(tmp_path / "file" / "x")))], wish(holder()), seen)


def test_a_holder_of_a_later_version_is_read_too() -> None:
    data = {**json.loads(holder().model_dump_json()), "mood": "good"}
    assert Holder.model_validate(data).who == "ada"
