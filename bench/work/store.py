"""Whether things take longer in a store that is full."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.lab import nonce
from bench.rows import Row, Work
from bench.work.execs import SHORT, chain_of
from bench.work.files import files_in
from bench.work.start import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.lab import Lab

RESULTS, AT_ONCE = 5_000, 100
ROUNDS = 5


async def full_store(lab: Lab) -> Mapping[str, float]:
    """Do the same in an empty store and in one of thousands of results, each with a layer."""
    empty, full = lab.with_store("empty"), lab.with_store("full")
    if empty is None or full is None:
        return {}
    async with full.session() as (client, _):
        for _ in range(RESULTS // AT_ONCE):
            await files_in(client.directory(), AT_ONCE)
    figures: dict[str, dict[str, list[float]]] = {"empty": {}, "full": {}}
    for _ in range(ROUNDS):  # by turns, so that both meet the same machine
        for name, one in (("empty", empty), ("full", full)):
            for what, seconds in (await _figures(one)).items():
                figures[name].setdefault(what, []).append(seconds)
    for one in (empty, full):
        assert one.engine.store is not None
        shutil.rmtree(one.engine.store)
    return {
        f"full-{what}": min(figures["full"][what]) / min(figures["empty"][what])
        for what in figures["full"]
    }


async def _figures(lab: Lab) -> Mapping[str, float]:
    """Return seconds to connect, and for each command of a chain, made and then cached."""
    mark = nonce()
    start = await connect(lab)
    async with lab.session() as (_, base):
        made = await chain_of(base, mark, SHORT)
    async with lab.session() as (_, base):
        cached = await chain_of(base, mark, SHORT)
    return {"connect": start, "chain": made, "cached": cached}


STORE = Work(
    measure=full_store,
    rounds=1,
    rows=(
        Row(
            name="full-chain",
            title="store of 5,000 layers against an empty one: chain",
            unit="x",
            limit=1.3,
        ),
        Row(name="full-cached", title="  cached chain", unit="x", limit=1.3),
        Row(name="full-connect", title="  connect", unit="x", limit=1.3),
    ),
)
