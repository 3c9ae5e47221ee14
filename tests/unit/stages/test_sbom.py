"""The sbom stage: what Syft is asked for, and that its documents are always the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.errors import ToolError, ToolOutputError
from keelway.model.platform import AMD64, ARM64
from keelway.model.sbom import SbomFormat
from keelway.model.tool import HostTool
from keelway.stages.sbom import SbomSpec, make_sboms
from tests.support.built import built
from tests.support.static_elf import write_static_elf

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.recording import Chain, RecordingEngine

ASSETS = Path(__file__).parents[2] / "assets"
SUBJECT = "sha256:4d6ac2b4acefebf884213017b8cfec80cbb29290815d9744d59e8a78b5458ce9"


@pytest.fixture
def spec(tmp_path: Path) -> SbomSpec:
    tool = HostTool(path=str(write_static_elf(tmp_path / "syft")))
    return SbomSpec(tool=tool, directory=str(tmp_path / "reports"), epoch=1_700_000_000)


@pytest.fixture(autouse=True)
def syft_works(engine: RecordingEngine) -> None:
    def document(chain: Chain) -> str:
        kind = "spdx" if chain["file"]["path"].endswith(".spdx.json") else "cdx"
        return (ASSETS / f"syft.{kind}.json").read_text()

    engine.answer("exitCode", 0)
    engine.answer("stdout", "syft 1.18.1\n")
    engine.answer("stderr", "")
    engine.answer("contents", document)


async def test_both_formats_for_each_platform_from_one_look(
    run: Run, engine: RecordingEngine, spec: SbomSpec
) -> None:
    sboms = await make_sboms(run, spec, built(run, "orders"))
    assert [(one.platform, one.format.value, one.path) for one in sboms.documents] == [
        ("linux/amd64", "spdx-json", "sbom/orders-linux-amd64.spdx.json"),
        ("linux/amd64", "cyclonedx-json", "sbom/orders-linux-amd64.cdx.json"),
        ("linux/arm64", "spdx-json", "sbom/orders-linux-arm64.spdx.json"),
        ("linux/arm64", "cyclonedx-json", "sbom/orders-linux-arm64.cdx.json"),
    ]
    looks = [c for c in engine.asked("exitCode") if "scan" in c["withExec"]["args"]]
    assert len(looks) == 2
    assert looks[0]["withExec"]["args"][1].startswith("oci-archive:/input/orders-linux-")
    assert sboms.of("orders", ARM64) == sboms.documents[2:]
    assert sboms.tool.version == "1.18.1"


async def test_what_is_said_of_a_document_is_true(run: Run, spec: SbomSpec, tmp_path: Path) -> None:
    sboms = await make_sboms(run, spec, built(run, "orders", platforms=(AMD64,)))
    for one in sboms.documents:
        data = (tmp_path / "reports" / one.path).read_bytes()
        assert one.sha256 == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert (one.subject, one.packages) == (SUBJECT, 1)
        assert SUBJECT in data.decode()


async def test_the_time_is_the_releases(run: Run, spec: SbomSpec, tmp_path: Path) -> None:
    await make_sboms(run, spec, built(run, "orders", platforms=(AMD64,)))
    spdx = json.loads((tmp_path / "reports/sbom/orders-linux-amd64.spdx.json").read_text())
    cdx = json.loads((tmp_path / "reports/sbom/orders-linux-amd64.cdx.json").read_text())
    assert spdx["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert cdx["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


async def test_only_what_is_asked_for(run: Run, spec: SbomSpec, tmp_path: Path) -> None:
    only = SbomSpec(tool=spec.tool, directory=spec.directory, formats=(SbomFormat.CYCLONEDX_JSON,))
    await make_sboms(run, only, built(run, "orders", platforms=(AMD64,)))
    names = [path.name for path in (tmp_path / "reports/sbom").iterdir()]
    assert names == ["orders-linux-amd64.cdx.json"]


async def test_a_document_about_something_else_is_an_error(
    run: Run, engine: RecordingEngine, spec: SbomSpec
) -> None:
    engine.answer("contents", '{"packages": []}')
    with pytest.raises(ToolOutputError, match="spdx-json document that cannot be read"):
        await make_sboms(run, spec, built(run, "orders", platforms=(AMD64,)))


async def test_a_broken_tool_is_told(run: Run, engine: RecordingEngine, spec: SbomSpec) -> None:
    engine.answer("exitCode", lambda chain: int("scan" in chain["withExec"]["args"]))
    with pytest.raises(ToolError, match=r"cataloguing orders \(linux/amd64\) failed"):
        await make_sboms(run, spec, built(run, "orders", platforms=(AMD64,)))
