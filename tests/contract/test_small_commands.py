"""The commands that only tell something."""

import os

from tests.contract.conftest import Keelway


def test_version(keelway: Keelway) -> None:
    done = keelway("version")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "keelway",
        "dagger-io",
        "python",
    ]


def test_doctor_names_what_is_missing_and_how_to_get_it(keelway: Keelway) -> None:
    done = keelway("doctor", PATH="/nonexistent")
    assert done.returncode == 1
    assert "  MISSING  git       install it with `apt install git`" in done.stdout
    assert "  absent   dagger    not needed with the local engine" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_says_which_engine_would_be_taken(keelway: Keelway) -> None:
    done = keelway("doctor", DAGGER_SESSION_PORT="5000", PATH=os.environ["PATH"])
    assert "  ok       session   DAGGER_SESSION_PORT is set" in done.stdout


def test_the_engines_own_program_is_reached_with_its_own_options(keelway: Keelway) -> None:
    done = keelway("engine", "--help")
    assert done.returncode == 0
    assert "keelway-engine" in done.stdout
    assert keelway("engine", "no-such-command").returncode == 2
