"""The command, as a process: what it says when it cannot do its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import dagger
import pytest

from keelway.engine.program import option

if TYPE_CHECKING:
    from pathlib import Path

# An engine on a machine that gives no namespaces: once in the first process, once further in.
REFUSED = """
import sys
from keelway.engine.errors import EngineError
from keelway.engine.run import enter

def enter_sandbox(child):
    {refusal}

enter.enter_sandbox = enter_sandbox
from keelway.engine.program import main
sys.exit(main())
"""
OUTSIDE = 'raise EngineError("the kernel gives no user namespace")'
INSIDE = """
    sys.stderr.write("keelway-engine: /proc may not be mounted\\\\n")
    return 1
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keelway.engine", *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--label", "a:b", "--workdir", "/w", "--more"], "/w"),
        (["--workdir=/w", "--workdir", "/x"], "/w"),
        (["--label", "a:b"], None),
        (["--workdir"], None),
    ],
)
def test_the_one_option_that_counts(arguments: list[str], value: str | None) -> None:
    assert option(arguments, "--workdir") == value


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"KEELWAY_ENGINE_PROGRESS": "loud"}, "KEELWAY_ENGINE_PROGRESS='loud' is unknown"),
        ({"SOURCE_DATE_EPOCH": "now"}, "SOURCE_DATE_EPOCH='now'"),
        ({"KEELWAY_STORE": "/proc/store"}, "set KEELWAY_STORE"),
    ],
)
def test_what_is_wrong_at_once_is_said_before_the_line(
    environment: dict[str, str], message: str
) -> None:
    done = run("session", **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("keelway-engine: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_working_directory_that_is_not_there(tmp_path: Path) -> None:
    done = run("session", "--workdir", str(tmp_path / "none"), KEELWAY_STORE=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "correct --workdir" in done.stderr


def test_help_and_unknown_commands() -> None:
    assert "doctor" in run("--help").stdout
    assert run("fly").returncode == 2
    assert run().returncode == 2


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (OUTSIDE, "the kernel gives no user namespace"),
        (INSIDE, "/proc may not be mounted"),
        ("return 137", "the engine ended with code 137 before it was ready"),
    ],
)
async def test_the_sdk_hears_why_there_is_no_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str, reason: str
) -> None:
    for name in list(os.environ):
        if name.startswith("DAGGER_"):
            monkeypatch.delenv(name)
    source = tmp_path / "engine.py"
    source.write_text(REFUSED.format(refusal=refusal))
    program = tmp_path / "engine"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("_EXPERIMENTAL_DAGGER_CLI_BIN", str(program))
    monkeypatch.setenv("KEELWAY_STORE", str(tmp_path / "store"))
    with pytest.raises(dagger.ClientConnectionError, match=reason):
        async with dagger.Connection():
            pass


def test_doctor_names_the_package_of_what_is_missing(tmp_path: Path) -> None:
    done = run("doctor", "--json", PATH=str(tmp_path), KEELWAY_STORE=str(tmp_path / "store"))
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert checks["dagger-io"]["ok"]
    assert not checks["skopeo"]["ok"]
    assert checks["skopeo"]["remedy"] == "apt-get install skopeo"
    assert not checks["git"]["needed"]
    assert "MISSING skopeo" in run("doctor", PATH=str(tmp_path), KEELWAY_STORE=str(tmp_path)).stdout


def test_doctor_tells_of_a_store_that_cannot_be() -> None:
    done = run("doctor", "--json", KEELWAY_STORE="/proc/store")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "set KEELWAY_STORE" in checks["store"]["detail"]
    assert "sandbox" not in checks
