"""The history of hosts: whole lines, merged over hosts, with clocks that differ."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway.deploy.history import (
    SKEW_S,
    append,
    merge,
    parse_history,
    read_history,
)
from keelway.deploy.host import HostError, LocalHost
from keelway.deploy.layout import Layout
from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.history_line import history_line, parse_history_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.host import Ran

NOW = datetime(2026, 11, 21, 20, 17, 52, tzinfo=UTC)
ENTRY = HistoryEntry(
    at=NOW,
    event=DeliveryEvent.DEPLOY,
    outcome=DeliveryOutcome.SUCCEEDED,
    project="shop",
    environment="production",
    target="web",
    hosts=("web1", "web2"),
    version="v1.2.0",
    images={"orders": "registry.example.com/orders@sha256:" + "ab" * 32},
    evidence=("signature of index: is good",),
    actor=Actor(who="ada", where="GitHub Actions", run_url="https://ci.example.com/7"),
    duration_s=12.5,
    replaced="v1.1.0",
    run="7",
)
HOST = LocalHost()


def test_a_line_is_one_line_and_says_all() -> None:
    entry = replace(ENTRY, reason="two\nlines", host_at=NOW)
    line = history_line(entry)
    assert line.count("\n") == 1
    assert parse_history_line(line) == entry
    assert '"at": "2026-11-21T20:17:52Z"' in line


async def test_many_who_write_at_once_tear_no_line(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path / "orders"))
    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(append, HOST, layout, replace(ENTRY, run=str(number)))
    told = await read_history(HOST, layout)
    assert sorted(str(one.run) for one in told.entries) == sorted(map(str, range(12)))
    assert told.notes == ()
    assert all(one.host_at is not None for one in told.entries)


async def test_a_line_that_a_crash_tore_is_told_and_spoils_no_other(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path))
    await append(HOST, layout, ENTRY)
    tear(layout)
    await append(HOST, layout, replace(ENTRY, version="v1.3.0"))
    told = await read_history(HOST, layout)
    assert [one.version for one in told.entries] == ["v1.2.0", "v1.3.0"]
    assert [note.partition("is torn")[0] for note in told.notes] == [
        "this machine: line 2 of the history "
    ]
    assert os.stat(layout.history).st_mode & 0o777 == 0o600  # noqa: PTH116 - the layout is text


async def test_where_nothing_was_done_there_is_nothing(tmp_path: Path) -> None:
    told = await read_history(HOST, Layout(str(tmp_path / "new")))
    assert (told.entries, told.notes) == ((), ())


async def test_a_disk_that_is_full_keeps_what_is_there(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path))
    await append(HOST, layout, ENTRY)
    before = kept(layout)
    # No program may write a file that is larger.
    limited = Limited(len(before) // 512)
    with pytest.raises(HostError, match="cannot be written"):
        await append(limited, layout, ENTRY)
    assert kept(layout) == before
    assert os.listdir(layout.folder) == ["deployment_history.log"]  # noqa: PTH208 - names alone


def kept(layout: Layout) -> bytes:
    return Path(layout.history).read_bytes()


def tear(layout: Layout) -> None:
    with Path(layout.history).open("a") as log:
        log.write(history_line(ENTRY)[:50])


class Limited(LocalHost):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.blocks = blocks

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        limited = ("sh", "-c", f'ulimit -f {self.blocks}; trap "" XFSZ; exec "$@"', "sh", *words)
        return await super().run(limited, given=given, timeout_s=timeout_s)


def test_what_several_hosts_know_is_one_event() -> None:
    started = replace(ENTRY, outcome=DeliveryOutcome.STARTED, at=NOW - timedelta(seconds=9))
    one = parse_history("web1", (history_line(started) + history_line(ENTRY)).encode())
    two = parse_history("web2", history_line(started).encode())
    merged = merge([one, two])
    assert [(event.entry.outcome.value, event.known_on) for event in merged.events] == [
        ("started", ("web1", "web2")),
        ("succeeded", ("web1",)),
    ]


def test_clocks_that_differ_are_told() -> None:
    def at_host(seconds: float) -> bytes:
        return history_line(replace(ENTRY, host_at=NOW + timedelta(seconds=seconds))).encode()

    histories = [
        parse_history("ahead", at_host(90)),
        parse_history("behind", at_host(-3600)),
        parse_history("fine", at_host(SKEW_S)),
    ]
    assert merge(histories).notes == (
        "the clock of ahead is 90 s ahead of the operator's",
        "the clock of behind is 3600 s behind the operator's",
    )
