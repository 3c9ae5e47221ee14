"""Stopped or killed in the middle of a release: nothing is left behind, and the next run works."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.leftovers import host_interfaces, traces, wait_until

if TYPE_CHECKING:
    from tests.support.projects import Project

SLOW = "RUN head -c 3000000 /dev/urandom > half; sleep {seconds}; wc -c < half > whole"


@pytest.fixture
def slow(unjudged: Project, tmp_path: Path) -> Project:
    """The project with a step that lasts, for one platform, and an empty store of its own."""
    project = type(unjudged)(
        folder=unjudged.folder, environment={"KEELWAY_STORE": str(tmp_path / "store")}
    )
    config = (project.folder / "keelway.toml").read_text()
    text = (project.folder / "Dockerfile").read_text()
    step = SLOW.format(seconds=300)
    project.write(
        {
            "keelway.toml": config.replace(', "linux/arm64"', ""),
            "Dockerfile": text.replace("COPY name.txt .", f"{step}\nCOPY name.txt ."),
        }
    )
    return project


def step_runs() -> bool:
    """Return whether the slow step is running on this machine."""
    return bool(traces("sleep 300; wc -c < half").processes)


def log_of(project: Project) -> str:
    """Return what the command that was started has written."""
    return (project.folder / "started.log").read_text()


def store_of(project: Project) -> str:
    """Return the folder that the project's engine works in."""
    return project.environment["KEELWAY_STORE"]


def engines_of(project: Project) -> list[int]:
    """Return the engine's processes that work for the project, the outer one first."""
    found = [one for one in traces(store_of(project)).processes if "keelway-engine" in one]
    return sorted(int(one.split()[0]) for one in found)


def assert_nothing_left(project: Project, interfaces: frozenset[str]) -> None:
    """Check processes, mounts and interfaces."""
    store = store_of(project)
    assert wait_until(lambda: not step_runs(), seconds=10)
    assert wait_until(lambda: not traces(store), seconds=10), traces(store)
    assert wait_until(lambda: host_interfaces() <= interfaces, seconds=5)


def assert_next_run_works(project: Project) -> None:
    """Release with a quick step and look at what the step saw."""
    text = (project.folder / "Dockerfile").read_text()
    project.write({"Dockerfile": text.replace("sleep 300", "sleep 0")})
    done = project.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    work = Path(store_of(project)) / "tmp"
    assert wait_until(lambda: not work.exists() or not list(work.iterdir()), seconds=10)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_release_ends_soon_with_a_report(
    slow: Project, number: signal.Signals, code: int
) -> None:
    interfaces = host_interfaces()
    with slow.keelway_started("release", "--engine", "local") as process:
        assert wait_until(step_runs, seconds=60), log_of(slow)
        process.send_signal(number)
        assert process.wait(timeout=30) == code
    assert slow.report()["outcome"] == "cancelled"
    assert_nothing_left(slow, interfaces)
    assert "Traceback" not in log_of(slow)
    assert_next_run_works(slow)


def test_killed_engine_is_a_clear_error_and_the_next_run_works(slow: Project) -> None:
    interfaces = host_interfaces()
    with slow.keelway_started("release", "--engine", "local") as process:
        assert wait_until(step_runs, seconds=60), log_of(slow)
        os.kill(engines_of(slow)[0], signal.SIGKILL)
        assert process.wait(timeout=60) in {4, 5}
    said = log_of(slow)
    assert "engine" in said
    assert "Traceback" not in said
    assert slow.report()["outcome"] == "failed"
    assert_nothing_left(slow, interfaces)
    assert_next_run_works(slow)


def test_killed_command_takes_its_engine_with_it(slow: Project) -> None:
    interfaces = host_interfaces()
    with slow.keelway_started("release", "--engine", "local") as process:
        assert wait_until(step_runs, seconds=60), log_of(slow)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    assert_nothing_left(slow, interfaces)
    assert_next_run_works(slow)


def test_two_releases_at_once_share_the_store(project: Project, tmp_path: Path) -> None:
    other = type(project)(folder=tmp_path / "other", environment=project.environment)
    files = {name: (project.folder / name).read_text() for name in ("keelway.toml", "Dockerfile")}
    other.write({**files, "name.txt": "other\n", ".gitignore": ".keelway/\nstarted.log\n"})
    other.commit()
    with (
        project.keelway_started("build", "--engine", "local") as one,
        other.keelway_started("build", "--engine", "local") as two,
    ):
        assert one.wait(timeout=120) == 0, log_of(project)
        assert two.wait(timeout=120) == 0, log_of(other)
