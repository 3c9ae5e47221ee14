"""The script that starts an image, and what it tells."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from keelway.policy.health_rules import health_results, unproved
from keelway.policy.start_script import start_script, stop_signal
from keelway.policy.starting import (
    Health,
    Proof,
    StartSpec,
    health_of,
    objection,
    parse_started,
    told,
)

S = 1_000_000_000
CONFIG: dict[str, Any] = {
    "User": "app",
    "Entrypoint": ["serve", "it's"],
    "Cmd": ["--port", "80"],
    "Env": ["PATH=/bin"],
}


@pytest.mark.parametrize(
    ("check", "health"),
    [
        ({"Test": ["CMD", "a", "b"]}, Health(command=("a", "b"))),
        ({"Test": ["CMD-SHELL", "a b"]}, Health(command=("/bin/sh", "-c", "a b"))),
        (
            {"Test": ["CMD", "a"], "Interval": S // 2, "Timeout": 5 * S},
            Health(command=("a",), interval_s=0.5, timeout_s=5, declared_interval_s=0.5),
        ),
        ({"Test": ["CMD", "a"], "Timeout": S // 2}, Health(command=("a",), timeout_s=30)),
        (
            {"Test": ["CMD", "a"], "StartPeriod": 20 * S, "Retries": 5, "Interval": S // 10},
            Health(
                command=("a",),
                interval_s=0.1,
                declared_interval_s=0.1,
                start_period_s=20,
                retries=5,
            ),
        ),
        ({"Test": ["NONE"]}, None),
        ({"Test": []}, None),
        (None, None),
    ],
)
def test_a_health_check_is_read(check: dict[str, Any] | None, health: Health | None) -> None:
    assert health_of({"Healthcheck": check}) == health


@pytest.mark.parametrize("user", ["", "root", "0:0", "0"])
def test_root_is_not_started(user: str) -> None:
    assert "runs as root" in str(objection({"User": user}, StartSpec()))
    assert objection({"User": "app"}, StartSpec()) is None
    assert "enabled is false" in str(objection({"User": "app"}, StartSpec(enabled=False)))


def script(spec: StartSpec | None = None, **config: Any) -> str:
    text = start_script({**CONFIG, **config}, spec or StartSpec(), machine="x86_64")
    assert text is not None
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    return text


def test_the_command_is_the_images_own() -> None:
    assert "as_user serve 'it'\"'\"'s' --port 80 )" in script()
    assert "as_user serve 'it'\"'\"'s' smoke )" in script(StartSpec(arguments=("smoke",)))
    assert "as_user run )" in script(Entrypoint=None, Cmd=["run"])
    assert start_script({"User": "a"}, StartSpec(), machine="x86_64") is None


def test_the_configurations_check_wins() -> None:
    text = script(StartSpec(healthcheck=("ask", "me")), Healthcheck={"Test": ["CMD", "other"]})
    assert "as_user ask me )" in text
    assert "other" not in text


def test_a_home_of_its_own_is_kept() -> None:
    assert "own_home=''" in script()
    assert "own_home=yes" in script(Env=["HOME=/srv"])


SAID = """\
state={state}
code={code}
ms=4000
== health
no answer

== log
Permission denied

== end"""


def test_what_it_tells() -> None:
    started = parse_started(SAID.format(state="ended", code=3))
    assert (started.passed, started.code, started.milliseconds) == (False, 3, 4000)
    assert (started.health, started.log) == ("no answer", "Permission denied")
    assert told(started, StartSpec()).endswith("it ended with exit code 3")


@pytest.mark.parametrize(
    ("state", "passed"),
    [("healthy", True), ("running", True), ("finished", True), ("unhealthy", False),
     ("ended", False), ("unenforced", False)],
)  # fmt: skip
def test_states(state: str, *, passed: bool) -> None:
    started = parse_started(SAID.format(state=state, code=""))
    assert started.passed is passed
    assert told(started, StartSpec())


@pytest.mark.parametrize("text", ["", "Killed\n", SAID.format(state="odd", code="")])
def test_a_script_that_did_not_end_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match="did not come to its end"):
        parse_started(text)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (None, 15), ("SIGINT", 2), ("quit", 3), ("9", 9), ("SIGRTMIN", 34), ("SIGRTMIN+3", 37),
        ("nonsense", 15),
    ],
)  # fmt: skip
def test_stop_signals(name: str | None, number: int) -> None:
    assert stop_signal({"StopSignal": name}) == number
    assert f"signal={number}\n" in script(StopSignal=name)


def test_an_engine_gives_up_after_start_period_and_retries() -> None:
    health = Health(command=("a",), declared_interval_s=10, start_period_s=20, retries=4)
    assert (health.allowed_s, health.notice_s) == (60, 40)
    check = {"Test": ["CMD", "a"], "Interval": 10 * S, "StartPeriod": 20 * S, "Retries": 4}
    text = script(StartSpec(notice_s=30), Healthcheck=check)
    assert "allowed=6000\nnotice=3000\n" in text


PROVED = """\
state=healthy
code=0
ms=840
emulated=
memory_kb=2048
in_time={in_time}
handled={handled}
stop_ms={stop_ms}
notice_ms={notice_ms}
== health

== log

== end"""
HEALTH = Health(command=("a",), declared_interval_s=1, retries=2, start_period_s=3)


def proved(
    *, in_time: str = "yes", handled: str = "yes", stop_ms: str = "120", notice_ms: str = "30"
) -> dict[str, tuple[str, bool]]:
    text = PROVED.format(in_time=in_time, handled=handled, stop_ms=stop_ms, notice_ms=notice_ms)
    started = parse_started(text)
    assert started.proof is not None
    assert unproved(started, HEALTH, StartSpec()) is None
    found = health_results(started, started.proof, HEALTH, StartSpec())
    return {one.rule: (one.text, one.broken) for one in found}


def test_a_proof_that_holds() -> None:
    assert parse_started(
        PROVED.format(in_time="yes", handled="yes", stop_ms=120, notice_ms=30)
    ).proof == Proof(
        emulated=False, memory_bytes=2 * 1024 * 1024, in_time=True, handled=True, stopped_ms=120,
        noticed_ms=30,
    )  # fmt: skip
    assert proved() == {
        "health-in-time": (
            "healthy after 840 ms, declared are 5 s (start period and retries times interval)",
            False,
        ),
        "health-detects": ("its health check fails 30 ms after the service is gone", False),
        "health-stops": ("stopped 120 ms after its stop signal", False),
    }


def test_proofs_that_fail() -> None:
    assert proved(in_time="")["health-in-time"][1]
    text, broken = proved(notice_ms="")["health-detects"]
    assert broken
    assert "still passes 2 s after the service is gone" in text
    assert "still ran 10 s" in proved(stop_ms="")["health-stops"][0]
    text, broken = proved(stop_ms="", handled="")["health-stops"]
    assert broken
    assert "no handler" in text


def test_what_cannot_be_proved_has_a_reason() -> None:
    healthy = parse_started(SAID.format(state="healthy", code=0))
    assert "ended by itself" in str(unproved(healthy, HEALTH, StartSpec()))
    assert "HEALTHCHECK" in str(unproved(healthy, None, StartSpec()))
    asked = StartSpec(healthcheck=("true",))
    assert "in place of its own" in str(unproved(healthy, HEALTH, asked))
    ended = parse_started(SAID.format(state="ended", code=3))
    assert "see starts" in str(unproved(ended, HEALTH, StartSpec()))
