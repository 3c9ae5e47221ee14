"""When services that were started count as well, and when waiting for them is given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.deploy.health import Watch
from keelway.deploy.unit import Health, ServiceState

RUNNING = ServiceState(
    service="web", container="c1", status="running", health=None, exit_code=0, image="", image_id=""
)
EXITED = replace(RUNNING, status="exited")


def test_without_a_health_check_it_must_run_for_a_while() -> None:
    watch = Watch(wanted={"web": 1}, settle_s=3)
    assert watch.look([RUNNING], 10) is None
    assert list(watch.waiting([RUNNING], 12.9)) == ["web is running"]
    assert watch.waiting([RUNNING], 13) == {}


def test_being_started_again_begins_that_while_anew() -> None:
    watch = Watch(wanted={"web": 1}, settle_s=3)
    assert watch.look([RUNNING], 10) is None
    again = replace(RUNNING, restarts=1)
    assert watch.look([again], 13) is None
    assert watch.waiting([again], 13)


@pytest.mark.parametrize(("health", "waits"), [("starting", True), ("healthy", False)])
def test_a_health_check_decides_at_once(health: Health, *, waits: bool) -> None:
    state = replace(RUNNING, health=health)
    watch = Watch(wanted={"web": 1})
    assert watch.look([state], 0) is None
    assert bool(watch.waiting([state], 0)) is waits


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (replace(RUNNING, health="unhealthy"), "web is unhealthy"),
        (replace(EXITED, exit_code=3), "web ended with exit code 3"),
        (replace(EXITED, restart_policy="always"), "web ended with exit code 0"),
    ],
)
def test_what_waiting_does_not_mend(state: ServiceState, told: str) -> None:
    trouble = Watch(wanted={"web": 1}).look([state], 0)
    assert trouble is not None
    assert trouble.text == told


def test_what_runs_once_is_well_when_it_ended_well() -> None:
    watch = Watch(wanted={"web": 1})
    assert watch.look([EXITED], 0) is None
    assert watch.waiting([EXITED], 0) == {}


def test_restarts_of_long_ago_do_not_count() -> None:
    watch = Watch(wanted={"web": 1})
    assert watch.look([replace(RUNNING, restarts=50)], 0) is None
    assert watch.look([replace(RUNNING, restarts=52)], 1) is None
    trouble = watch.look([replace(RUNNING, restarts=53, exit_code=1)], 2)
    assert trouble is not None
    assert trouble.text == "web ends again and again, last with exit code 1"


def test_others_do_not_matter_and_missing_ones_are_told() -> None:
    watch = Watch(wanted={"web": 2})
    other = replace(EXITED, service="db", container="c2", exit_code=1)
    assert watch.look([RUNNING, other], 0) is None
    assert list(watch.waiting([RUNNING, other], 9)) == ["web has 1 of 2 containers"]
