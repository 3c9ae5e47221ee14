"""The flow as a whole: what follows from what, and what must never happen."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.errors import GateError, PublishError, StageError, ToolError
from keelway.flow import release, verify
from keelway.gating.rule import GateSpec
from keelway.model.events import StageEnded
from keelway.model.findings import Severity
from keelway.model.outcome import Skipped
from keelway.model.published import Delivered
from keelway.model.registry import RegistrySpec, RetrySpec
from keelway.model.tool import HostTool
from keelway.planning import DeliverPlan, Plan, VerifyPlan
from keelway.policy.spec import PolicySpec
from keelway.stages.build import BuildSpec, ImageSpec
from keelway.stages.publish import PublishSpec
from keelway.stages.sbom import SbomSpec
from keelway.stages.scan import ScanSpec
from keelway.tags.naming import Names
from tests.support.built import DIGEST
from tests.support.image_archive import archive, layer
from tests.support.recording import Chain, Failure
from tests.support.static_elf import write_static_elf

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.observing import Listener
    from tests.support.recording import RecordingEngine

ASSETS = Path(__file__).parents[2] / "assets"
NOT_HERE = Skipped("not in this test")
NOBODY = Skipped("sign.enabled is false")
NOTHING = GateSpec(severity=None)


def plan_for(tmp_path: Path, *, gate: GateSpec = NOTHING, deliver: bool = True) -> Plan:
    tool = HostTool(path=str(write_static_elf(tmp_path / "tool")))
    reports = str(tmp_path / "reports")
    publish = PublishSpec(
        registries=(RegistrySpec(url="localhost:5000/demo"),), retry=RetrySpec(attempts=1)
    )
    return Plan(
        project="shop",
        names=Names(tags=("latest",), unused=()),
        verify=VerifyPlan(
            build=BuildSpec(images=(ImageSpec(name="orders", context=str(tmp_path)),)),
            policy=PolicySpec(busybox=NOT_HERE, hadolint=NOT_HERE),
            scan=ScanSpec(tool=tool, directory=reports, scanners=("secret",), database=None),
            sbom=SbomSpec(tool=tool, directory=reports),
            integration=Skipped("no suite"),
            load=Skipped("not in this test"),
            gate=gate,
        ),
        deliver=DeliverPlan(publish=publish, sign=NOBODY, attest=NOBODY)
        if deliver
        else Skipped("not today"),
    )


@pytest.fixture(autouse=True)
def everything_works(engine: RecordingEngine) -> None:
    def contents(chain: Chain) -> str:
        name = Path(chain["file"]["path"]).name
        sample = {"image.spdx.json": "syft.spdx.json", "image.cdx.json": "syft.cdx.json"}
        return (ASSETS / sample.get(name, "trivy_report.json")).read_text()

    def export(chain: Chain) -> str:
        config = {"User": "1000", "Healthcheck": {"Test": ["CMD", "true"]}}
        return str(archive(Path(chain["export"]["path"]), layer(app=1), config=config))

    engine.answer("exitCode", 0)
    engine.answer("export", export)
    engine.answer("stdout", "9.9.9")
    engine.answer("stderr", "")
    engine.answer("contents", contents)
    engine.answer("publish", lambda chain: f"{chain['publish']['address']}@{DIGEST}")


def endings(heard: Listener) -> list[tuple[str, str]]:
    return [(event.stage, event.status.value) for event in heard.of(StageEnded)]


async def test_a_release_goes_all_the_way(run: Run, tmp_path: Path) -> None:
    report = await release(run, plan_for(tmp_path))
    assert isinstance(report.delivered, Delivered)
    assert report.delivered.published.images[0].digest == DIGEST
    assert report.verified.images.names() == ("orders",)


async def test_what_ships_is_what_was_scanned(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    await release(run, plan_for(tmp_path))
    (publish,) = engine.asked("publish")
    shipped = {variant.text for variant in publish["publish"]["platformVariants"]}
    looked_at = {
        mount["source"].text.removesuffix(".asTarball")
        for chain in engine.asked("exitCode")
        for mount in chain.all("withMountedFile")
        if mount["path"].startswith("/input/")
    }
    measured = {chain.text.partition(".asTarball")[0] for chain in engine.asked("export")}
    assert shipped == looked_at == measured
    assert len(shipped) == 2


async def test_an_image_is_looked_at_while_another_one_is_still_built(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    looked_at = threading.Event()

    def look(chain: Chain) -> int:
        if "--input" in chain["withExec"]["args"] and "linux/amd64" in chain.text:
            looked_at.set()
        return 0

    def build_for(chain: Chain) -> None:
        if "linux/arm64" in chain.text:
            assert looked_at.wait(10), "nobody has scanned the image that is built"

    engine.answer("exitCode", look)
    engine.answer("sync", build_for)
    report = await release(run, plan_for(tmp_path))
    platforms = [image.platform for image in report.verified.images.variants]
    assert platforms == ["linux/amd64", "linux/arm64"]


async def test_a_build_that_fails_is_what_is_told_of_whoever_waits_for_it(
    run: Run, engine: RecordingEngine, heard: Listener, tmp_path: Path
) -> None:
    looked_at = threading.Event()

    def look(_chain: Chain) -> int:
        looked_at.set()
        return 0

    def build_for(chain: Chain) -> Failure | None:
        if "linux/amd64" in chain.text:
            return None
        looked_at.wait(10)
        return Failure("Dockerfile:3: unknown instruction: FORM")

    engine.answer("exitCode", look)
    engine.answer("sync", build_for)
    with pytest.raises(StageError, match=r"building orders \(linux/arm64\) failed"):
        await release(run, plan_for(tmp_path))
    assert dict(endings(heard))["build"] == "failed"
    assert dict(endings(heard))["scan"] == "cancelled"
    assert "gate" not in dict(endings(heard))
    assert not engine.asked("publish")


async def test_a_build_that_fails_at_once_starts_nothing_else(
    run: Run, engine: RecordingEngine, heard: Listener, tmp_path: Path
) -> None:
    engine.answer("sync", Failure("Dockerfile:3: unknown instruction: FORM"))
    with pytest.raises(StageError):
        await release(run, plan_for(tmp_path))
    assert dict(endings(heard)) == {"build": "failed"}


async def test_a_gate_that_says_no_lets_nothing_out(
    run: Run, engine: RecordingEngine, heard: Listener, tmp_path: Path
) -> None:
    with pytest.raises(GateError):
        await release(run, plan_for(tmp_path, gate=GateSpec(severity=Severity.HIGH)))
    assert not engine.asked("publish")
    stages = {"build": "ok", "policy": "ok", "scan": "ok", "sbom": "ok", "gate": "failed"}
    assert dict(endings(heard)) == stages


async def test_verify_touches_nothing_outside(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    await verify(run, plan_for(tmp_path).verify)
    assert not [chain for chain in engine.requests if "publish" in chain]


async def test_a_skipped_delivery_is_in_the_report(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    report = await release(run, plan_for(tmp_path, deliver=False))
    assert report.delivered == Skipped("not today")
    assert not engine.asked("publish")


async def test_a_scanner_that_breaks_lets_nothing_out(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    engine.answer("exitCode", lambda chain: int("--input" in chain["withExec"]["args"]))
    with pytest.raises(ToolError, match="scanning orders"):
        await release(run, plan_for(tmp_path))
    assert not engine.asked("publish")


async def test_a_partial_delivery_is_told_as_such(
    run: Run, engine: RecordingEngine, heard: Listener, tmp_path: Path
) -> None:
    engine.answer("publish", Failure("unauthorized"))
    with pytest.raises(PublishError, match="orders:latest failed"):
        await release(run, plan_for(tmp_path))
    assert endings(heard)[-1] == ("publish", "failed")
