"""How soon there is a first answer. The SDK's own import has been before."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.lab import clock
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.lab import Lab

STARTS = 5


async def start(lab: Lab) -> Mapping[str, float]:
    """Connect by the SDK, which starts the engine, and ask for its version."""
    return {"connect": statistics.median([await connect(lab) for _ in range(STARTS)])}


async def connect(lab: Lab) -> float:
    """Return the seconds until one session's first answer."""
    with clock() as taken:
        opened = lab.engine.session()
        client = await opened.__aenter__()
        await client.version()
    await opened.__aexit__(None, None, None)
    return taken.seconds


START = Work(
    measure=start,
    rows=(Row(name="connect", title="connect to first answer", dagger=(0.21, 0.54), share=0.5),),
)
