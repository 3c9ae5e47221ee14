"""The engine killed without warning, two hundred times, at random points of a busy build.

A slow machine gets through fewer in the time that this may take. `KEELWAY_TEST_KILLS` asks for a
number however long it takes: thousands make a soak.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.kills import Grave, Victim, cgroups
from tests.support.leftovers import host_interfaces, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Engine
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")

ASKED = int(os.environ.get("KEELWAY_TEST_KILLS") or 0)
KILLS = ASKED or 200
LONGEST_S = 35
STORES = 4


@pytest.mark.slow
@pytest.mark.timeout(300 + ASKED * 4)
def test_kills_at_random_points_damage_nothing_and_leave_nothing(
    engine: Engine, tmp_path: Path, registry: Registry, samples: SampleImages
) -> None:
    before = (host_interfaces(), cgroups())
    graves = [
        Grave(
            engine=engine,
            folder=tmp_path / str(seed),
            registry=registry,
            samples=samples,
            seed=seed,
        )
        for seed in range(STORES)
    ]
    end = time.monotonic() + LONGEST_S

    def work(grave: Grave) -> None:
        grave.fill()
        for victim in itertools.islice(itertools.cycle(Victim), KILLS // STORES):
            if ASKED or grave.kills < len(Victim) or time.monotonic() < end:
                grave.kill_once(victim)
        grave.check()

    with concurrent.futures.ThreadPoolExecutor(STORES) as pool:
        list(pool.map(work, graves))
    assert all(grave.kills >= len(Victim) for grave in graves)
    assert wait_until(lambda: (host_interfaces(), cgroups()) == before, seconds=10)
