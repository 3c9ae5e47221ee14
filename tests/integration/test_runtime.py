"""A unit on a real Docker and a real Podman: confined as the file says, and told why it is ill."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from keelway.compose.loader import load_project
from keelway.deploy.placing import forget, missing_files, place
from keelway.deploy.pulling import pull_image
from keelway.deploy.rendering import Rendering, render
from keelway.deploy.runtime import RegistryLogin, Runtime, find_runtime
from keelway.deploy.unit import UnhealthyError, Unit
from keelway.errors import PlanError, StageError, ToolError
from tests.support.deployed import GID, HEALTHCHECK, PORT, UID, push_service
from tests.support.missing import need
from tests.support.registry import PASSWORD, USER
from tests.support.runtimes import running_docker, running_podman

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.deploy.choice import RenderedUnit
    from tests.support.registry import Registry
    from tests.support.runtimes import RunningRuntime

PATIENCE_S = 120
COMPOSE = f"""\
services:
  web:
    image: web
    ports: ["127.0.0.1::{PORT}"]
    secrets: [token]
    configs: [{{ source: settings, target: /etc/settings.toml }}]
    volumes: ["data:/data"]
    mem_limit: 64m
    pids_limit: 50
{HEALTHCHECK}
secrets: {{ token: {{ external: true }} }}
configs: {{ settings: {{ content: "x = 1" }} }}
volumes: {{ data: {{}} }}
"""
SECRET = b"correct horse battery staple"
SEEN = """
grep -E "^(CapPrm|CapEff|CapBnd|NoNewPrivs):" /proc/self/status
id -u
touch /anywhere 2>&1
touch /tmp/scratch && echo scratch
touch /data/kept && echo data
stat -c "%a %u %g" /run/secrets/token
cat /run/secrets/token
"""


@pytest.fixture(scope="module", params=["docker", "podman"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRuntime]:
    """Each engine, one after the other."""
    if request.param == "docker":
        need("docker-compose", package="docker-compose")
    start = {"docker": running_docker, "podman": running_podman}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.fixture(scope="module")
def images(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The service in a good version and in two bad ones, by digest."""
    work = tmp_path_factory.mktemp("images")
    versions = ("1", "2-sick", "3-ends")
    return {one: push_service(registry, work, "deployed/web", one) for one in versions}


@pytest.fixture
def unit(tmp_path: Path, nonce: str) -> Unit:
    """A project that no other test has."""
    return Unit(project=f"orders-{nonce[:8]}", folder=str(tmp_path / "release"))


def rendered(unit: Unit, image: str, work: Path, compose: str = COMPOSE) -> RenderedUnit:
    file = work / "compose.yaml"
    file.write_text(compose)
    project = load_project([file], name=unit.project, environment={}, root=Path("/"))
    choice = Rendering(
        target="web",
        project=unit.project,
        folder=unit.folder,
        version="1",
        images={"web": image},
        secrets=("token",),
    )
    return render(project, choice)


async def test_a_service_runs_confined_and_is_what_was_published(
    running: RunningRuntime, images: dict[str, str], unit: Unit, tmp_path: Path
) -> None:
    runtime = await find_runtime(running.host, "auto" if running.engine == "docker" else "podman")
    made = rendered(unit, images["1"], tmp_path)
    assert await place(runtime, unit, made, secrets={"token": SECRET}) == {"web"}
    assert await place(runtime, unit, made, secrets={"token": SECRET}) == frozenset()
    try:
        await runtime.up(unit)
        await runtime.wait_healthy(unit, PATIENCE_S)
        (state,) = await runtime.states(unit)
        assert (state.image, state.health) == (images["1"], "healthy")
        assert images["1"] in state.digests
        seen = running.command("exec", state.container, "sh", "-c", SEEN, check=False).splitlines()
        no_power = "0000000000000000"
        assert seen[:3] == [f"{name}:\t{no_power}" for name in ("CapPrm", "CapEff", "CapBnd")]
        assert seen[3:5] == ["NoNewPrivs:\t1", str(UID)]
        assert "Read-only file system" in seen[5]
        assert seen[6:] == ["scratch", "data", f"400 {UID} {GID}", SECRET.decode()]
        limits = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}"
        assert running.command("inspect", "--format", limits, state.container) == f"{64 << 20} 50"
        ((port, address, published),) = state.ports
        assert (port, address) == (PORT, "127.0.0.1")
        assert _answer(published).split() == ["1"]
        everything = running.command("inspect", state.container) + made.compose.decode()
        assert SECRET.decode() not in everything
        await _stops_and_goes(runtime, unit, running)
    finally:
        await runtime.down(unit)
    assert await missing_files(running.host, unit, await runtime.unit_file(unit)) == ()
    await forget(running.host, unit)
    assert await missing_files(running.host, unit, await runtime.unit_file(unit)) == ("web: token",)


def _answer(port: int) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text


async def _stops_and_goes(runtime: Runtime, unit: Unit, running: RunningRuntime) -> None:
    (before,) = await runtime.states(unit)
    await runtime.up(unit)
    assert (await runtime.states(unit))[0].container == before.container
    await runtime.stop(unit)
    await runtime.stop(unit)
    assert [one.status for one in await runtime.states(unit)] == ["exited"]
    assert await runtime.logs(unit, "web", 1) == "version 1 begins"
    assert await runtime.disk_free() > 0
    await runtime.down(unit)
    await runtime.down(unit)
    assert await runtime.states(unit) == ()
    volumes = running.command("volume", "ls", "--quiet").split()
    assert f"{unit.project}_data" in volumes
    assert await runtime.prune([before.image], keep=[before.image]) == ()
    assert await runtime.prune([before.image], keep=[]) == (before.image,)


async def test_a_bad_version_tells_why(
    running: RunningRuntime, images: dict[str, str], unit: Unit, tmp_path: Path
) -> None:
    runtime = await find_runtime(running.host, running.engine)
    told = {
        "2-sick": ["sick is unhealthy", "health check of sick:", "404 Not Found"],
        "3-ends": ["ends ended with exit code 3", "no database"],
    }
    one = "  {name}:\n    image: {image}\n    restart: 'no'\n" + HEALTHCHECK
    services = [
        one.format(name=version.partition("-")[2], image=images[version]) for version in told
    ]
    made = rendered(unit, images["1"], tmp_path, "services:\n" + "".join(services))
    await place(runtime, unit, made, secrets={})
    said: list[str] = []
    try:
        await runtime.up(unit)
        for name in ("sick", "ends"):
            with pytest.raises(UnhealthyError) as caught:
                await runtime.wait_healthy(unit, PATIENCE_S, [name])
            said.append(caught.value.diagnostics())
    finally:
        await runtime.down(unit)
    for (version, texts), diagnostics in zip(told.items(), said, strict=True):
        for text in (*texts, f"version {version} begins"):
            assert text in diagnostics


async def test_a_release_leaves_its_neighbours_alone_unless_their_files_are_others(
    running: RunningRuntime, images: dict[str, str], unit: Unit, tmp_path: Path
) -> None:
    runtime = await find_runtime(running.host, running.engine)
    compose = COMPOSE.replace("  web:\n    image: web\n", f"  db:\n    image: {images['1']}\n")
    seen: list[tuple[str, str]] = []
    try:
        for release, secret in (("1", b"old"), ("2", b"old"), ("3", b"new"), ("2", None)):
            one = Unit(project=unit.project, folder=f"{tmp_path}/releases/{release}")
            if secret is not None:
                made = rendered(one, images["1"], tmp_path, compose)
                await place(runtime, one, made, secrets={"token": secret})
            await runtime.up(one)
            (state,) = await runtime.states(one)
            read = running.command("exec", state.container, "cat", "/run/secrets/token")
            seen.append((state.container, read))
    finally:
        await runtime.down(unit)
    assert [read for _, read in seen] == ["old", "old", "new", "old"]
    first, second, third, fourth = (container for container, _ in seen)
    assert first == second
    assert len({second, third, fourth}) == 3


async def test_images_of_a_closed_registry_need_a_login_that_leaves_no_trace(
    running: RunningRuntime, images: dict[str, str], closed_registry: Registry
) -> None:
    reference = _copied(images["1"], closed_registry)
    host = running.host
    with pytest.raises(ToolError, match="cannot pull") as caught:
        await pull_image(host, running.engine, reference)
    assert "a login for the registry" in caught.value.diagnostics()
    wrong = RegistryLogin(
        registry=closed_registry.address, username=USER, password="battery staple"
    )
    with pytest.raises(ToolError) as caught:
        await pull_image(host, running.engine, reference, [wrong])
    assert "battery staple" not in caught.value.diagnostics()
    right = RegistryLogin(registry=closed_registry.address, username=USER, password=PASSWORD)
    await pull_image(host, running.engine, reference, [right])
    assert reference in running.command("image", "inspect", reference)
    assert _logins_left() == []


def _copied(image: str, closed: Registry) -> str:
    """Copy an image to a registry that asks for a login, and return its reference there."""
    target = f"{closed.address}/deployed/web"
    words = [need("skopeo", package="skopeo"), "copy", "--quiet", "--all", "--src-tls-verify=false"]
    login = ["--dest-tls-verify=false", f"--dest-creds={USER}:{PASSWORD}"]
    subprocess.run([*words, *login, f"docker://{image}", f"docker://{target}:1"], check=True)
    return f"{target}@{image.partition('@')[2]}"


def _logins_left() -> list[Path]:
    """Return the logins that are on this machine; those of other tests may come and go."""
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    return [
        one
        for one in folder.glob("keelway-login.*/config.json")
        if b"127.0.0.1" in one.read_bytes()
    ]


async def test_what_must_not_be_deployed_is_refused_before_anything_starts(
    running: RunningRuntime, images: dict[str, str], unit: Unit, tmp_path: Path
) -> None:
    runtime = await find_runtime(running.host, running.engine)
    made = rendered(unit, images["1"], tmp_path)
    with pytest.raises(PlanError, match="secrets without a value: token"):
        await place(runtime, unit, made, secrets={})
    leaking = rendered(unit, images["1"], tmp_path, COMPOSE.replace("x = 1", SECRET.decode()))
    with pytest.raises(PlanError, match="token is in the compose files too"):
        await place(runtime, unit, leaking, secrets={"token": SECRET})
    user = COMPOSE.replace("    image: web\n", "    image: web\n    user: nobody-there\n")
    unknown = rendered(unit, images["1"], tmp_path, user)
    with pytest.raises(StageError, match="runs as 'nobody-there', whom its image does not know"):
        await place(runtime, unit, unknown, secrets={"token": SECRET})
    assert await runtime.states(unit) == ()
