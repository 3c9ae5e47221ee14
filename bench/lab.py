"""What a piece of work gets to measure one engine with: sessions, a base, material, a clock."""

from __future__ import annotations

import time
import uuid
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    import dagger

    from bench.engines import Engine


@dataclass(slots=True)
class Clock:
    """Seconds of one stretch of work; there once the block is left."""

    seconds: float = 0.0


@contextmanager
def clock() -> Generator[Clock]:
    """Measure how long a block takes."""
    made = Clock()
    started = time.perf_counter()
    yield made
    made.seconds = time.perf_counter() - started


def nonce() -> str:
    """Return something that no cache has seen."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One engine in one round."""

    engine: Engine
    rootfs: Path
    """A folder with a static busybox: the root of all containers."""
    folder: Path
    """Empty, and of this engine and round alone."""
    number: int = 0
    """Of the round."""

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[tuple[dagger.Client, dagger.Container]]:
        """Open a session in which a command has run, so that all is loaded; give a base too."""
        async with self.engine.session() as client:
            base = client.container().with_rootfs(client.host().directory(str(self.rootfs)))
            await base.with_exec(["true", nonce()]).sync()
            yield client, base

    def with_store(self, name: str) -> Lab | None:
        """Return the same with another store, or None for an engine that can't be given one."""
        if self.engine.store is None:
            return None
        return replace(self, engine=replace(self.engine, store=self.folder / name))
