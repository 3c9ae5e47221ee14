"""The script that starts an image, and what it tells."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from keelway.policy.starting import (
    Health,
    StartSpec,
    health_of,
    objection,
    parse_started,
    start_script,
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
            Health(command=("a",), interval_s=0.5, timeout_s=5),
        ),
        ({"Test": ["CMD", "a"], "Timeout": S // 2}, Health(command=("a",), timeout_s=30)),
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
seconds=4
== health
no answer

== log
Permission denied

== end"""


def test_what_it_tells() -> None:
    started = parse_started(SAID.format(state="ended", code=3))
    assert (started.passed, started.code, started.seconds) == (False, 3, 4)
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
