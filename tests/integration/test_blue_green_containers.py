"""Blue/green with all that a host has: Docker, a shared database, NGINX, the whole rollout."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.compose.loader import load_project
from keelway.config.deploy_analysis import AnalysisConfig, ProbeSeriesConfig
from keelway.config.deploy_compose import ComposeTarget
from keelway.config.deploy_proxy import ProxyConfig, ProxyServiceConfig
from keelway.deploy.compose_kit import ComposeKit, ComposeSpec
from keelway.deploy.running import deploy_to_hosts, take_back
from keelway.deploy.site import Pace
from keelway.deploy.target import Checked, HostPlace, HostsSpec, SshSpec, Task
from keelway.errors import DeployError
from keelway.model.history import Actor, DeliveryEvent
from keelway.model.host_address import HostAddress
from keelway.model.rollout import Wanted
from tests.support.deployed import HEALTHCHECK, PORT, push_service
from tests.support.load_client import Load
from tests.support.missing import need
from tests.support.nginx import Nginx, nginx
from tests.support.ports import free_port
from tests.support.runtimes import RunningRuntime, running_docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import Registry

COMPOSE = f"""\
services:
  web:
    image: web
    ports: ["127.0.0.1::{PORT}"]
    depends_on: {{ store: {{ condition: service_healthy }} }}
{HEALTHCHECK}
  store:
    image: STORE
{HEALTHCHECK}
"""


async def nobody(repository: str) -> None:
    """Log in nowhere."""
    del repository


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def no_secret(source: str, what: str) -> str:
    raise AssertionError(f"{what} is asked for: {source}")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningRuntime]:
    need("docker-compose", package="docker-compose")
    with running_docker(tmp_path / "docker") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Nginx]:
    with nginx(tmp_path / "nginx") as running:
        yield running


class Shop:
    """The deploy target."""

    def __init__(self, folder: Path, edge: Nginx, store: str, name: str) -> None:
        ports = (free_port(), free_port())
        config = ComposeTarget(
            kind="compose",
            hosts=("local",),
            folder=str(folder / name),
            strategy="blue-green",
            proxy=ProxyConfig(
                file=str(edge.conf_d / "web.conf"),
                command=edge.command,
                listen=(f"127.0.0.1:{edge.port}",),
                announce_s=1,
                services={"web": ProxyServiceConfig(port=PORT, ports=ports)},
            ),
            analysis=AnalysisConfig(probes=(ProbeSeriesConfig(name="up", interval_s=0.1),)),
        )
        file = folder / "compose.yaml"
        file.write_text(COMPOSE.replace("STORE", store))
        project = load_project([file], name=name, environment={}, root=Path("/"))
        self.spec = HostsSpec(
            name="web",
            project="shop",
            environment="production",
            places=(HostPlace(address=HostAddress(), folder=str(folder / name)),),
            ssh=SshSpec(known_hosts="/dev/null"),
            pace=Pace(drain_s=20),
        )
        spec = ComposeSpec(name="web", config=config, root=folder, projects={name: project})
        self.kit = ComposeKit(spec, {}, nobody)
        self.told: list[str] = []
        self.runs = 0

    def task(self, event: DeliveryEvent) -> Task:
        self.runs += 1
        return Task(
            event=event,
            actor=Actor(who="ada", where="laptop"),
            doing=f"doing {event}",
            run=f"{self.runs:032x}"[::-1],
            tell=self.told.append,
        )

    async def deploy(self, image: str, version: str) -> None:
        checked = Checked(wanted=Wanted(version=version, images={"web": image}))
        task = self.task(DeliveryEvent.DEPLOY)
        await deploy_to_hosts(
            self.spec, checked, task=task, kit=self.kit, read=no_secret, clock=Now()
        )

    async def rollback(self) -> None:
        task = self.task(DeliveryEvent.ROLLBACK)
        await take_back(self.spec, None, task=task, kit=self.kit, read=no_secret, clock=Now())


def running(docker: RunningRuntime) -> list[str]:
    """The containers that run, by the names of their projects' services."""
    form = '{{.Label "com.docker.compose.project"}}/{{.Label "com.docker.compose.service"}}'
    return sorted(docker.command("ps", "--format", form).split())


@pytest.mark.once
@pytest.mark.slow
async def test_releases_come_and_go_and_nobody_notices(
    docker: RunningRuntime, edge: Nginx, registry: Registry, tmp_path: Path, nonce: str
) -> None:
    images = {
        version: push_service(registry, tmp_path, f"shop-{nonce}/web", version)
        for version in ("1", "2", "3-sick")
    }
    name = f"shop-{nonce[:8]}"
    shop = Shop(tmp_path, edge, images["1"], name)
    await shop.deploy(images["1"], "v1")
    store = docker.command("ps", "--quiet", "--filter", f"name={name}_store")
    load = Load()
    clients = asyncio.ensure_future(load.run(edge.port, clients=4, pause_s=0.05, post=False))
    try:
        await load.reached(20)
        await shop.deploy(images["2"], "v2")
        await load.reached(load.requests + 20)
        with pytest.raises(DeployError, match="v2 serves again"):
            await shop.deploy(images["3-sick"], "v3")
        await load.reached(load.requests + 20)
        await shop.rollback()
        await load.reached(load.requests + 20)
    finally:
        load.stop()
        await clients
    assert load.failed == []
    said = list(dict.fromkeys(one.by.strip() for one in sorted(load.answered, key=_began)))
    assert said == ["1 blue", "2 green"]
    assert load.answered[-1].by.strip() == "1 blue"
    assert running(docker) == [f"{name}-blue/web", f"{name}/store"]
    assert docker.command("ps", "--quiet", "--filter", f"name={name}_store") == store
    log = (tmp_path / name / "deployment_history.log").read_text().splitlines()
    assert [line.count('"rolled-back"') for line in log].count(1) == 1


def _began(one: object) -> float:
    return float(getattr(one, "began", 0))
