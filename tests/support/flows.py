"""The test that every example has: its whole flow keeps its budget. Import it into the module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.examples import AGAIN_S, COLD_S
from tests.support.matrix import FLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.examples import Example, Flow

BESIDE_OTHERS = 8
"""How much longer it may take where other tests run on the same processors."""


def test_the_whole_flow_keeps_its_budget(
    example: Example, cold: Flow, again: Flow, record_property: Callable[[str, object], None]
) -> None:
    """90 s from an empty store with the bases in the registry, 10 s when nothing changed."""
    record_property(
        FLOW,
        {"name": example.name, "cold": round(cold.seconds, 1), "again": round(again.seconds, 1)},
    )
    allowance = BESIDE_OTHERS if "PYTEST_XDIST_WORKER" in os.environ else 1
    assert cold.seconds <= COLD_S * allowance
    assert again.seconds <= AGAIN_S * allowance
