"""What is typed every day, in one story: production here, its health, its end, and the clean-up."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.leftovers import traces, wait_until
from tests.support.missing import need
from tests.support.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.timeout(600)
COMPOSE = """\
name: {name}
services:
  web:
    image: {image}
    command: ["sh", "-c", "touch /ready; exec sleep 1000"]
    stop_grace_period: 1s
    healthcheck: {{ test: [CMD, test, -f, /ready], interval: 1s, retries: 60 }}
  worker:
    image: {image}
    profiles: [production]
    command: ["sh", "-c", "exec sleep 1000"]
    stop_grace_period: 1s
  debugger:
    image: {image}
    profiles: [dev]
    command: ["false"]
"""


def test_production_here(tmp_path: Path, store: Path, samples: SampleImages, nonce: str) -> None:
    need("busybox", package="busybox-static")
    state = tmp_path / "state"
    known = {"KEELWAY_STORE": str(store), "XDG_STATE_HOME": str(state)}
    project = Project(folder=tmp_path / "project", environment=known)
    project.folder.mkdir()
    name = f"day-{nonce[:8]}"
    project.write({"compose.yaml": COMPOSE.format(name=name, image=samples.busybox)})
    try:
        started = project.keelway("prod")
        assert started.code == 0, started.text()
        told = project.keelway("health", "--json")
        assert told.code == 0, told.text()
        services = {one["service"]: one for one in json.loads(told.out)["services"]}
        assert sorted(services) == ["web", "worker"]  # and no debugger
        # Nothing of what runs is removed.
        assert name not in project.keelway("clean", "--dry-run").out

        file = state / "keelway" / "up" / name / "state.json"
        os.kill(json.loads(file.read_text())["process"]["pid"], signal.SIGKILL)
        assert wait_until(lambda: project.keelway("health").code == 1, seconds=60)
        ill = project.keelway("health")
        assert "web      NO  gone" in ill.out
        assert "2 of 2 services" in ill.err

        listed = project.keelway("clean", "--dry-run")
        assert f"would remove  {file.parent}: state and logs of {name}" in listed.out
        assert file.exists()
        assert project.keelway("clean").code == 0
        assert not file.exists()
        assert wait_until(lambda: not traces(str(state)), seconds=120)
    finally:
        project.keelway("down", "--timeout", "1")
