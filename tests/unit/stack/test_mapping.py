"""What the engine is asked for, service by service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keelway.compose.project import (
    FileGrant,
    FileSource,
    Mount,
    MountKind,
    Place,
    Port,
    Project,
    Service,
)
from keelway.errors import ConfigError
from keelway.stack.images import ImageSettings, Opened
from keelway.stack.mapping import Shared, Wishes, supervised_service

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.recording import Chain, RecordingEngine

WEB = Service(
    name="web", place=Place(file=Path("compose.yaml"), line=3), image="web:1", command=("serve",)
)
PROJECT = Project(name="shop", folder=Path("/shop"), files=(), services={"web": WEB})


async def asked(
    engine: RecordingEngine, run: Run, service: Service, project: Project = PROJECT, **image: Any
) -> Chain:
    """Return the chain of the service that is started."""
    engine.answer("exists", answer=True)
    engine.answer("start", None)
    dag = run.dag
    shared = Shared(
        run=run,
        project=project,
        stage="integration",
        nonce="n0nce",
        busybox=dag.host().file("/bin/busybox"),
        board=dag.cache_volume("board"),
        start_limit_s=9,
    )
    opened = Opened(
        container=dag.container().from_("web:1"), settings=ImageSettings(**image), built=None
    )
    wishes = Wishes(services={"web": service}, probe=None, waits_for={})
    _ = await (await supervised_service(shared, service, opened, wishes)).start()
    return engine.asked("start")[-1]


async def test_a_service_runs_under_its_supervisor(engine: RecordingEngine, run: Run) -> None:
    chain = await asked(engine, run, replace(WEB, working_dir="/srv", environment={"A": "1"}))
    assert chain["withUser"] == {"name": "0:0"}  # the supervisor drops to the service's own
    assert chain["withWorkdir"] == {"path": "/srv"}
    assert {"name": "A", "value": "1"} in chain.all("withEnvVariable")
    assert "withoutDockerHealthcheck" in chain  # it is asked by the supervisor
    assert chain["asService"]["args"] == [
        "/.keelway-tool/busybox", "sh", "/.keelway-tool/supervise",
    ]  # fmt: skip
    assert not chain["asService"].get("insecureRootCapabilities")
    assert chain["withMountedCache"]["path"] == "/.keelway-board"


@pytest.mark.parametrize(
    "more",
    [
        {"read_only": True},
        {"hostname": "box"},
        {"privileged": True},
        {"cap_add": ("NET_ADMIN",)},
        {"sysctls": {"net.core.somaxconn": "1"}},
        {"network_mode": "none"},
    ],
)
async def test_only_what_needs_them_is_given_capabilities(
    engine: RecordingEngine, run: Run, more: dict[str, Any]
) -> None:
    chain = await asked(engine, run, replace(WEB, **more))
    assert chain["asService"]["insecureRootCapabilities"] is True


async def test_ports_are_declared_and_not_waited_for(engine: RecordingEngine, run: Run) -> None:
    service = replace(
        WEB, ports=(Port(target=80, published="8080"),), expose=("53/udp", "90-91", "80")
    )
    chain = await asked(engine, run, service)
    ports = [(one["port"], one.get("protocol", "TCP")) for one in chain.all("withExposedPort")]
    assert ports == [(80, "TCP"), (53, "UDP"), (90, "TCP"), (91, "TCP")]
    assert all(one["experimentalSkipHealthcheck"] for one in chain.all("withExposedPort"))


async def test_mounts_come_from_above_to_below(engine: RecordingEngine, run: Run) -> None:
    mounts = (
        Mount(kind=MountKind.TMPFS, target="/data/deep/tmp", size=4096),
        Mount(kind=MountKind.VOLUME, target="/data", source="data"),
        Mount(kind=MountKind.VOLUME, target="/data/deep", no_copy=True),
    )
    chain = await asked(engine, run, replace(WEB, mounts=mounts), volumes=("/data", "/other"))
    caches = [one["path"] for one in chain.all("withMountedCache")]
    assert caches == ["/data", "/other", "/data/deep", "/.keelway-board"]
    keys = [one["cache"]["cacheVolume"]["key"] for one in chain.all("withMountedCache")]
    assert keys[:3] == [
        "keelway/shop/n0nce/data",
        "keelway/shop/n0nce/web/other",
        "keelway/shop/n0nce/web/data/deep",
    ]
    assert chain["withMountedTemp"] == {"path": "/data/deep/tmp", "size": 4096}
    seeds = [one["path"] for one in chain.all("withMountedDirectory")]
    assert seeds == ["/.keelway-seed/0", "/.keelway-seed/1"]  # one is not filled


async def test_secrets_are_files_with_owner_and_mode(
    engine: RecordingEngine, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "pin").write_text("1234")
    engine.answer("plaintext", "1234")
    source = FileSource(name="pin", file=tmp_path / "pin")
    grants = (
        FileGrant(source="pin"),
        FileGrant(source="pin", target="/etc/pin", uid="70", gid="71", mode=0o440),
    )
    project = replace(PROJECT, secrets={"pin": source})
    chain = await asked(engine, run, replace(WEB, secrets=grants), project)
    given = [(one["path"], one["owner"], one["mode"]) for one in chain.all("withMountedSecret")]
    assert given == [("/run/secrets/pin", "0:0", 0o444), ("/etc/pin", "70:71", 0o440)]


async def test_nothing_to_run_is_named(engine: RecordingEngine, run: Run) -> None:
    with pytest.raises(ConfigError, match=r"compose\.yaml:3: services\.web: there is nothing to"):
        await asked(engine, run, replace(WEB, command=None))
