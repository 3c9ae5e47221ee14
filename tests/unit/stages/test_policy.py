"""The policy stage, as the engine sees it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64
from keelway.model.tool import HostTool
from keelway.policy.spec import DockerfileSpec, PolicySpec
from keelway.stages.policy import check_policy
from tests.support.built import built
from tests.support.image_archive import archive, layer
from tests.support.static_elf import write_static_elf

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.recording import Chain, RecordingEngine


async def test_no_image_waits_until_dockerfiles_are_read(
    run: Run, engine: RecordingEngine, tmp_path: Path
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\n")
    opened = threading.Event()

    def export(chain: Chain) -> str:
        opened.set()
        config = {"User": "1000", "Healthcheck": {"Test": ["CMD", "true"]}}
        return str(archive(Path(chain["export"]["path"]), layer(app=1), config=config))

    def hadolint(chain: Chain) -> str:
        assert opened.wait(10), "nobody has looked at the image yet"
        return "2.12.0" if "--version" in chain.text else "[]"

    engine.answer("exitCode", 0)
    engine.answer("stdout", hadolint)
    engine.answer("stderr", "")
    engine.answer("export", export)
    spec = PolicySpec(
        dockerfiles={"orders": DockerfileSpec(path=str(dockerfile), shown="Dockerfile")},
        busybox=Skipped("not in this test"),
        hadolint=HostTool(path=str(write_static_elf(tmp_path / "hadolint"))),
        directory=str(tmp_path / "reports"),
    )
    report = await check_policy(run, spec, built(run, "orders", platforms=(AMD64,)))
    outcomes = {result.rule: result.outcome.value for result in report.results}
    assert (outcomes["hadolint"], outcomes["healthcheck"]) == ("passed", "passed")
