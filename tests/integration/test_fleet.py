"""Several engines release together: each platform where it is at home, one index of all."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keelway.fleet.planning import stick
from tests.support.projects import Project

if TYPE_CHECKING:
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

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
    unjudged: Project, engines: Path
) -> None:
    fleet = _with_engines(
        unjudged, engines, '"linux/arm64" = ["tcp://away:1", "tcp://away:2", "tcp://away:3"]'
    )
    done = fleet.keelway("release", "--no-publish")
    assert done.code == 0, done.text()
    assert done.err.count(" is lost: ") == 3
    assert "linux/arm64: local (local" in done.err
    only = '[engines."linux/arm64"]\nat = ["tcp://away:1", "tcp://away:2"]\nemulate = false\n'
    failed = _with_engines(unjudged, engines, only, table=True).keelway("release", "--no-publish")
    assert failed.code != 0
    assert "no engine is left for linux/arm64" in failed.err
    assert "tcp://away:1" in failed.err
    assert "tcp://away:2" in failed.err
    assert "no such host" in failed.err


def test_an_engine_that_dies_in_the_middle_is_replaced(
    unjudged: Project, engines: Path, registry: Registry, repository: str
) -> None:
    dockerfile = unjudged.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("RUN echo", "RUN sleep 4; echo"))
    fleet = _with_engines(unjudged, engines, '"linux/arm64" = "tcp://arm1:1234"')
    store = str(engines / "arm1:1234")
    with fleet.keelway_started("release") as release:
        _kill_engine(store)
        assert release.wait(timeout=200) == 0, (unjudged.folder / "started.log").read_text()
    said = (unjudged.folder / "started.log").read_text()
    assert "tcp://arm1:1234 is lost: " in said
    assert "linux/arm64: local (local" in said
    assert len(registry.manifest(f"{repository}/app:test")[1]["manifests"]) == 2


def test_engines_of_one_platform_share_the_images_which_are_tested_together(
    project: Project, samples: SampleImages, tmp_path: Path
) -> None:
    folders = (f"local:{tmp_path}/{name}" for name in "abcdefghij")
    engines = next(
        pair
        for pair in itertools.combinations(folders, 2)
        if stick("sample/app", pair)[0] != stick("sample/web", pair)[0]
    )
    _write_shop(project, samples, engines)
    done = project.keelway("release", "--no-publish")
    assert done.code == 0, done.text()
    said = dict(re.findall(r"linux/amd64 \((\w+)\): (\S+) \(local", done.err))
    for name in ("app", "web"):
        assert said[name] == stick(f"sample/{name}", engines)[0]
    assert set(said.values()) == set(engines), "each has one"
    (suite,) = project.report()["tests"]["suites"]
    assert sorted(suite["images"]) == ["app", "web"]
    assert project.report()["tests"]["notes"] == []
    plan = project.keelway("plan").out
    assert all(f"{said[name]}: by itself ({name})" in plan for name in said)


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


# Two images that have to be together for their test.
COMPOSE = """\
services:
  app:
    image: app
    healthcheck: {{test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60}}
  web:
    image: web
    healthcheck: {{test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60}}
  tests:
    image: {image}
    profiles: [test]
    command: [sh, -c, {script}]
"""
SERVING = """\
ARG BASE
FROM ${BASE}
ARG GREETING
RUN mkdir /w && echo "$GREETING" > /w/index.html
USER app
ENTRYPOINT ["/bin/httpd", "-f", "-h", "/w", "-p", "8080"]
"""


def _write_shop(project: Project, samples: SampleImages, engines: tuple[str, str]) -> None:
    """Make the project one of two images, which two engines share."""
    text = (project.folder / "keelway.toml").read_text()
    text = text.replace(', "linux/arm64"', "").replace('target = "runtime"\n', "")
    images = text[text.index("[images.app]") : text.index("[tags]")]
    other = images.replace("images.app", "images.web").replace("hello", "good day")
    scan = text.index("[scan]")
    off = "".join(f"[{part}]\nenabled = false\n\n" for part in ("policy", "scan", "sbom"))
    asked = (
        f'{off}[[integration.suites]]\nname = "api"\nservice = "tests"\njunit = ["/tmp/*.xml"]\n\n'
        f'[engines."linux/amd64"]\nat = ["{engines[0]}", "{engines[1]}"]\n'
        "builds = 1\nemulate = false\n"
    )
    text = text[:scan].replace("[tags]", f"{other}[tags]") + asked
    passed = "echo '<testsuite><testcase name=\"both\"/></testsuite>' > /tmp/a.xml"
    script = "wget -qO- http://app:8080/ | grep hello && wget -qO- http://web:8080/ | grep good"
    compose = COMPOSE.format(image=samples.busybox, script=json.dumps(f"{script} && {passed}"))
    project.write({"keelway.toml": text, "Dockerfile": SERVING})
    (project.folder / "compose.yaml").write_text(compose)
    project.commit()
