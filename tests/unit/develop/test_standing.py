"""What services have come to, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.compose.project import Condition, Dependency, Place, Service
from keelway.develop.standing import (
    SETTLED_S,
    Standing,
    came_to,
    needing_restart,
    parse_standing,
    stop_order,
)

PLACE = Place(file=Path("compose.yaml"), line=1)


def services(**needs: str) -> dict[str, Service]:
    """Return services with what they depend on, in words; `!` wants a restart with it."""
    return {
        name: Service(
            name=name,
            place=PLACE,
            depends_on={
                one.rstrip("!"): Dependency(service=one.rstrip("!"), restart=one.endswith("!"))
                for one in words.split()
            },
        )
        for name, words in needs.items()
    }


@pytest.mark.parametrize(
    ("line", "activity", "health", "told"),
    [
        ("web|running||0|", "running", "", "web running"),
        ("web|starting||0|", "running", "starting", "web starting"),
        ("web|exited|3|0|", "exited (3)", "", "web exited with code 3"),
        ("web|unhealthy|||2 checks | failed", "running", "unhealthy",
         "web unhealthy: 2 checks | failed"),
        ("web|blocked|||db: it ended", "blocked", "", "web blocked: db: it ended"),
        # Started again: the exit code is of what ran before.
        ("web|running|3|1|", "running", "", "web running"),
    ],
)  # fmt: skip
def test_a_line_of_the_reporter(line: str, activity: str, health: str, told: str) -> None:
    standing = parse_standing(line)
    assert (standing.activity, standing.health, standing.told) == (activity, health, told)


@pytest.mark.parametrize(
    ("condition", "line", "ready", "failed"),
    [
        (Condition.HEALTHY, "web|starting|||", False, False),
        (Condition.HEALTHY, "web|healthy|||", True, False),
        (Condition.HEALTHY, "web|unhealthy|||", False, True),
        (Condition.HEALTHY, "web|exited|1||", False, True),
        (Condition.COMPLETED, "web|running|||", False, False),
        (Condition.COMPLETED, "web|exited|0||", True, False),
        (Condition.COMPLETED, "web|exited|9||", False, True),
        (Condition.STARTED, "web|waiting|||", False, False),
        (Condition.STARTED, "web|exited|0||", True, False),
        (Condition.STARTED, "web|blocked|||", False, True),
        (Condition.STARTED, "web|restarting|1||", False, False),
    ],
)
def test_what_is_wanted(condition: Condition, line: str, *, ready: bool, failed: bool) -> None:
    came = came_to({"web": condition}, {"web": parse_standing(line)}, now=100.0)
    assert (came.ready, bool(came.failed)) == (ready, failed)


def test_without_a_health_check_it_must_have_run_for_a_while() -> None:
    standings = {"web": Standing(name="web", state="running", since=10.0)}
    wanted = {"web": Condition.STARTED}
    assert not came_to(wanted, standings, now=10.0).ready
    assert came_to(wanted, standings, now=10.0 + SETTLED_S).ready


def test_the_cause_is_told_before_what_it_led_to() -> None:
    standings = {
        "web": parse_standing("web|blocked|||db: it ended"),
        "db": parse_standing("db|exited|7||"),
    }
    wanted = dict.fromkeys(standings, Condition.HEALTHY)
    assert came_to(wanted, standings, now=0.0).failed == ("db", "web")


def test_who_needs_others_is_stopped_before_them() -> None:
    found = services(db="", cache="", web="db cache", proxy="web")
    assert stop_order(found) == (("proxy",), ("web",), ("db", "cache"))


def test_who_wants_it_is_restarted_with_what_it_needs() -> None:
    found = services(db="", web="db!", proxy="web!", other="db")
    assert needing_restart(found, ["db"]) == ("web", "proxy")
