"""`keelway notify`: who is told, and a test that fails when one is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.told import receiving
from tests.support.web_handler import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Keelway

CONFIG = """\
[project]
name = "shop"
[images.orders]
[[notify]]
name = "ops"
kind = "slack"
url = "env://OPS_HOOK"
on = ["failed", "deploy:started"]
environments = ["production"]
[[notify]]
kind = "teams"
url = "env://TEAMS_HOOK"
attempts = 1
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> None:
    (tmp_path / "keelway.toml").write_text(CONFIG)


def test_who_is_told_is_shown(keelway: Keelway) -> None:
    done = keelway("notify", OPS_HOOK="x")
    assert done.returncode == 0, done.stderr
    assert "ops: failed, deploy:started; only production" in done.stdout
    assert "teams: succeeded, failed, rolled-back, inconclusive" in done.stdout
    assert "the environment variable TEAMS_HOOK is not set" in done.stdout


def test_a_test_is_sent_to_all(keelway: Keelway) -> None:
    with receiving() as server:
        ops, teams = f"{server.url}/ops", f"{server.url}/teams"
        done = keelway("notify", "--test", OPS_HOOK=ops, TEAMS_HOOK=teams)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ops: told\nteams: told\n"
    assert {asked.path for asked in server.asked} == {"/ops", "/teams"}
    assert b"This is a test" in server.asked[0].body


def test_a_test_that_fails_says_so(keelway: Keelway) -> None:
    with receiving(Reply(status=404, body=b"no_service")) as server:
        hook = f"{server.url}/verysecret"
        done = keelway("notify", "ops", "--test", "--json", OPS_HOOK=hook)
    assert done.returncode == 5
    [told] = json.loads(done.stdout)
    assert not told["sent"]
    assert "HTTP 404: no_service" in told["error"]
    assert "verysecret" not in done.stdout + done.stderr


def test_a_channel_that_is_not_there(keelway: Keelway) -> None:
    done = keelway("notify", "op", "--test")
    assert done.returncode == 3
    assert "did you mean 'ops'?" in done.stderr
