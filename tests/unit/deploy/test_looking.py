"""How services on hosts are: the colour that serves, hosts that are lost, services that are ill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from keelway.deploy.layout import SHARED, Layout
from keelway.deploy.looking import look_at_target
from keelway.deploy.release import Live, Release
from keelway.deploy.target import HostPlace, HostsSpec, SshSpec
from keelway.model.host_address import HostAddress
from keelway.model.service_state import ServiceState

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.deploy.host import Host
    from keelway.deploy.site import Runtime
    from keelway.deploy.unit import Unit

STATE = ServiceState(
    service="orders", container="c", status="running", health="healthy", exit_code=0, image="x",
    image_id="y",
)  # fmt: skip


class Containers:
    """Answers as an engine would, by the folder of what it is asked about."""

    def __init__(self, states: dict[str, ServiceState]) -> None:
        self._states = states

    async def states(self, unit: Unit) -> tuple[ServiceState, ...]:
        found = self._states.get(unit.folder.rpartition("/")[2])
        return () if found is None else (found,)


async def read(source: str, what: str) -> str:
    raise AssertionError(f"{source}: {what}")


def write(folder: Path, *, colour: Any) -> None:
    layout = Layout(str(folder))
    release = Release(
        id="1", version="1.2.3", images={}, made_at=datetime.now(UTC),
        parts=(SHARED, "blue", "green") if colour else ("",),
    )  # fmt: skip
    (folder / "releases" / "1").mkdir(parents=True)
    (folder / "releases" / "1" / "release.json").write_text(release.model_dump_json())
    live = Live(release="1", colour=colour, strategy="x")
    (folder / "live.json").write_text(live.model_dump_json())
    assert layout.live == str(folder / "live.json")


def a_spec(*places: HostPlace, known_hosts: str = "/nowhere") -> HostsSpec:
    ssh = SshSpec(known_hosts=known_hosts, connect_timeout_s=5)
    return HostsSpec(name="web", project="shop", environment="production", places=places, ssh=ssh)


async def test_only_the_colour_that_serves_is_looked_at(tmp_path: Path) -> None:
    states = {SHARED: STATE, "blue": STATE, "green": replace(STATE, health="unhealthy")}

    async def find(host: Host, wanted: str) -> Runtime:
        del host, wanted
        return cast("Runtime", Containers(states))

    folder = tmp_path / "shop"
    write(folder, colour="blue")
    spec = a_spec(HostPlace(address=HostAddress(), folder=str(folder)))
    [one] = await look_at_target(spec, read, find)
    assert (one.version, len(one.services), one.well) == ("1.2.3", 2, True)
    states["blue"] = replace(STATE, health="starting")
    [one] = await look_at_target(spec, read, find)
    assert not one.well


async def test_a_host_that_is_lost_keeps_no_other_from_being_asked(tmp_path: Path) -> None:
    async def find(host: Host, wanted: str) -> Runtime:
        del host, wanted
        return cast("Runtime", Containers({"1": STATE}))

    folder = tmp_path / "shop"
    write(folder, colour=None)
    known = tmp_path / "known_hosts"
    known.write_text("")
    spec = a_spec(
        HostPlace(address=HostAddress(host="127.0.0.1", port=1), folder="/srv/shop"),
        HostPlace(address=HostAddress(), folder=str(folder)),
        HostPlace(address=HostAddress(), folder=str(tmp_path / "empty")),
        known_hosts=str(known),
    )
    lost, well, empty = await look_at_target(spec, read, find)
    assert (lost.well, well.well, empty.well) == (False, True, False)
    assert lost.lost is not None
    assert empty.version is None
