"""Commands: one after the other, all at once, and found in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from bench.lab import clock, nonce
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagger

    from bench.lab import Lab

SHORT, LONG = 20, 200
MANY, SLEEPERS = 50, 20


async def chain(lab: Lab) -> Mapping[str, float]:
    """Run a short and a long chain of commands, and find the short one in a new session."""
    mark = nonce()
    async with lab.session() as (_, base):
        short = await chain_of(base, mark, SHORT)
        long = await chain_of(base, nonce(), LONG)
    async with lab.session() as (_, base):
        cached = await chain_of(base, mark, SHORT)
    return {
        "chain-20": short * 1000,
        "chain-200": long * 1000,
        "chain-depth": long / short,
        "chain-cached": cached * 1000,
    }


async def chain_of(base: dagger.Container, mark: str, length: int) -> float:
    """Return the seconds a command of a chain."""
    made = base.with_env_variable("NONCE", mark)
    for number in range(length):
        made = made.with_exec(["touch", f"/{number}"])  # a layer each
    with clock() as taken:
        await made.sync()
    return taken.seconds / length


async def together(lab: Lab) -> Mapping[str, float]:
    """Run many commands at once, and some that only sleep."""
    async with lab.session() as (_, base):
        many = await at_once([base.with_exec(["true", nonce()]) for _ in range(MANY)])
        script = "sleep 1 # "
        sleepers = [base.with_exec(["sh", "-c", script + nonce()]) for _ in range(SLEEPERS)]
        asleep = await at_once(sleepers)
    return {"at-once-50": many / MANY * 1000, "at-once-sleep": asleep}


async def at_once(containers: list[dagger.Container]) -> float:
    """Return the seconds until all are evaluated."""
    with clock() as taken:
        async with anyio.create_task_group() as group:
            for one in containers:
                group.start_soon(one.sync)
    return taken.seconds


CHAIN = Work(
    measure=chain,
    rows=(
        Row(
            name="chain-20",
            title="with_exec in a chain of 20, each",
            unit="ms",
            dagger=(52, 79),
            share=0.25,
        ),
        Row(
            name="chain-200",
            title="with_exec in a chain of 200, each",
            unit="ms",
            dagger=(52, 79),
            share=0.25,
        ),
        Row(name="chain-depth", title="  the 200 as against the 20", unit="x", limit=1.3),
        Row(
            name="chain-cached",
            title="cached chain of 20, each",
            unit="ms",
            dagger=(0.8, 0.8),
            share=0.5,
        ),
    ),
)
TOGETHER = Work(
    measure=together,
    rows=(
        Row(
            name="at-once-50",
            title="50 execs at once, each",
            unit="ms",
            dagger=(43, 58),
            share=0.25,
        ),
        Row(
            name="at-once-sleep",
            title="20 execs at once that sleep 1 s",
            dagger=(1.5, 1.5),
            limit=1.2,
        ),
    ),
)
