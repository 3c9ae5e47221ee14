"""Several engines release together: each platform where it is at home, one index of all."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.projects import Project

if TYPE_CHECKING:
    from tests.support.registry import Registry

pytestmark = pytest.mark.usefixtures("scanners")

# A stand-in of Dagger's command line: the same protocol, and a store for each engine that it is
# asked to reach.
DAGGER = """\
#!/bin/sh
case "$_EXPERIMENTAL_DAGGER_RUNNER_HOST" in
  tcp://away:*) echo "dial tcp: lookup away: no such host" >&2; exit 1 ;;
esac
KEELWAY_STORE="$ENGINES/${_EXPERIMENTAL_DAGGER_RUNNER_HOST##*/}" exec keelway-engine "$@"
"""


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """A folder that has a store for each engine."""
    folder = tmp_path / "engines"
    folder.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dagger").write_text(DAGGER)
    (tmp_path / "bin/dagger").chmod(0o755)
    return folder


def test_each_platform_is_proved_on_its_engine_and_all_are_one_index(
    project: Project, engines: Path, registry: Registry, repository: str
) -> None:
    fleet = _with_engines(project, engines, '"linux/arm64" = "tcp://arm1:1234"')
    alone = fleet.keelway("release", "--engine", "local")
    assert alone.code == 0, alone.text()
    before = _manifests(registry, repository)
    done = fleet.keelway("release")
    assert done.code == 0, done.text()
    assert (engines / "arm1:1234").is_dir(), "the engine has a cache of its own"
    assert "linux/arm64: tcp://arm1:1234 (dagger" in done.err
    after = _manifests(registry, repository)
    assert after["amd64"] == before["amd64"], "this machine's engine had it already"
    assert after["arm64"]["config"]["config"] == before["arm64"]["config"]["config"]
    assert after["arm64"]["annotations"] == before["arm64"]["annotations"]
    report = project.report()
    assert {stage["name"] for stage in report["stages"]} >= {
        "fleet",
        "build linux/amd64",
        "build linux/arm64",
        "publish",
    }
    items = next(stage for stage in report["stages"] if stage["name"] == "fleet")["items"]
    assert sorted(item["name"] for item in items) == ["linux/amd64", "linux/arm64"]
    assert {target["platform"] for target in report["scan"]["targets"]} == {
        "linux/amd64",
        "linux/arm64",
    }


def test_an_engine_that_is_away_is_replaced_and_without_any_the_error_names_all(
    project: Project, engines: Path
) -> None:
    fleet = _with_engines(
        project, engines, '"linux/arm64" = ["tcp://away:1", "tcp://away:2", "tcp://away:3"]'
    )
    done = fleet.keelway("release", "--no-publish")
    assert done.code == 0, done.text()
    assert done.err.count(" is lost: ") == 3
    assert "linux/arm64: local (local" in done.err
    only = '[engines."linux/arm64"]\nat = ["tcp://away:1", "tcp://away:2"]\nemulate = false\n'
    failed = _with_engines(project, engines, only, table=True).keelway("release", "--no-publish")
    assert failed.code != 0
    assert "no engine is left for linux/arm64" in failed.err
    assert "tcp://away:1" in failed.err
    assert "tcp://away:2" in failed.err
    assert "no such host" in failed.err


def test_an_engine_that_dies_in_the_middle_is_replaced(
    project: Project, engines: Path, registry: Registry, repository: str
) -> None:
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN echo", "RUN sleep 4; echo"))
    fleet = _with_engines(project, engines, '"linux/arm64" = "tcp://arm1:1234"')
    store = str(engines / "arm1:1234")
    with fleet.keelway_started("release") as release:
        _kill_engine(store)
        assert release.wait(timeout=200) == 0, (project.folder / "started.log").read_text()
    said = (project.folder / "started.log").read_text()
    assert "tcp://arm1:1234 is lost: " in said
    assert "linux/arm64: local (local" in said
    assert len(registry.manifest(f"{repository}/app:test")[1]["manifests"]) == 2


def test_the_plan_says_who_does_what_and_what_is_emulated(project: Project, engines: Path) -> None:
    said = project.keelway("plan").out
    assert "linux/amd64" in said
    assert "local: by itself" in said
    assert "local: emulated: " in said
    fleet = _with_engines(project, engines, '"linux/arm64" = "tcp://arm1:1234"')
    said = fleet.keelway("plan").out
    assert "tcp://arm1:1234: at most 8 builds at once" in said
    assert "when that is lost: local: emulated: " in said


def _with_engines(project: Project, engines: Path, text: str, *, table: bool = False) -> Project:
    config = project.folder / "keelway.toml"
    before = config.read_text().partition("\n[engines")[0].rstrip()
    config.write_text(f"{before}\n\n{text}" if table else f"{before}\n\n[engines]\n{text}\n")
    project.commit()
    bin_folder = engines.parent / "bin"
    path = project.surroundings()["PATH"]
    return Project(
        folder=project.folder,
        environment={
            **project.environment,
            "ENGINES": str(engines),
            "PATH": f"{bin_folder}:{path}",
        },
    )


def _manifests(registry: Registry, repository: str) -> dict[str, dict[str, Any]]:
    """Return each platform's manifest, with its config in place of that one's digest."""
    found: dict[str, dict[str, Any]] = {}
    for one in registry.manifest(f"{repository}/app:test")[1]["manifests"]:
        manifest = registry.manifest(f"{repository}/app@{one['digest']}")[1]
        manifest["config"] = registry.config(repository + "/app", manifest)
        found[one["platform"]["architecture"]] = manifest
    return found


def _kill_engine(store: str) -> None:
    """Kill the engine with this store as soon as it runs a step."""
    deadline = time.monotonic() + 120
    marker = f"KEELWAY_STORE={store}".encode()
    while time.monotonic() < deadline:
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (
                    folder.name.isdigit()
                    and b"session" in (folder / "cmdline").read_bytes()
                    and marker in (folder / "environ").read_bytes()
                    and any(b"sleep" in line for line in _children(int(folder.name)))
                ):
                    os.kill(int(folder.name), signal.SIGKILL)
                    return
        time.sleep(0.2)
    raise AssertionError(f"no engine with {store} ran a step")


def _children(pid: int) -> list[bytes]:
    """Return the command lines of all that a process started."""
    found: list[bytes] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                found.append(Path(f"/proc/{child}/cmdline").read_bytes())
                found += _children(int(child))
    return found
