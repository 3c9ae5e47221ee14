"""A run on an engine that only records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway._stage import Run
from tests.support.recording import RecordingEngine

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture
def engine() -> RecordingEngine:
    """Return the engine: its script is written by the test."""
    return RecordingEngine()


@pytest.fixture
async def run(engine: RecordingEngine) -> AsyncGenerator[Run]:
    """Give a run whose client is the real SDK."""
    async with engine.connect() as client:
        yield Run(client)
