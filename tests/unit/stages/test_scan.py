"""The scan stage: how Trivy is caged, what is kept, what becomes of its failures."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway._stage import Run
from keelway.errors import PlanError, ToolError, ToolOutputError
from keelway.model.platform import AMD64
from keelway.model.tool import HostTool, ImageTool
from keelway.scanners.grype import GrypeSpec
from keelway.scanners.snyk import SnykSpec
from keelway.stages.scan import (
    DatabaseDirectory,
    DownloadedDatabase,
    ImageScan,
    ScanSpec,
    Target,
    scan,
)
from tests.support.built import built
from tests.support.recording import Chain, Failure, RecordingEngine, exec_failure
from tests.support.static_elf import write_static_elf

if TYPE_CHECKING:
    from tests.support.observing import Listener

REPORT = (Path(__file__).parents[2] / "assets" / "trivy_report.json").read_text()
METADATA = '{"Version": 2, "UpdatedAt": "2026-01-30T06:00:00.5Z"}'

OFFLINE: tuple[Target, ...] = ("secret", "misconfig", "license")


@pytest.fixture
def tool(tmp_path: Path) -> HostTool:
    return HostTool(path=str(write_static_elf(tmp_path / "trivy")))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "reports"


@pytest.fixture
def spec(tool: HostTool, kept: Path) -> ScanSpec:
    return ScanSpec(tool=tool, directory=str(kept), scanners=OFFLINE, database=None)


@pytest.fixture(autouse=True)
def trivy_works(engine: RecordingEngine) -> None:
    engine.answer("exitCode", 0)
    engine.answer("stdout", "Version: 0.76.0\n")
    engine.answer("stderr", "")
    engine.answer("contents", lambda chain: METADATA if "metadata" in chain.text else REPORT)


def scans(engine: RecordingEngine) -> list[Chain]:
    return [chain for chain in engine.asked("exitCode") if "--input" in chain["withExec"]["args"]]


def unfinished(directory: Path) -> list[Path]:
    return list(directory.rglob("*.tmp"))


async def test_an_image_may_be_looked_at_by_others_than_the_rest(
    run: Run, engine: RecordingEngine, spec: ScanSpec
) -> None:
    spec = replace(spec, images={"worker": ImageScan(scanners=("secret",))})
    await scan(run, spec, built(run, "orders", "worker"))
    asked = [chain["withExec"]["args"] for chain in scans(engine)]
    looked = [args[args.index("--scanners") + 1] for args in asked]
    assert sorted(looked) == ["secret"] * 2 + ["secret,misconfig,license"] * 2


async def test_each_image_is_scanned_for_each_platform(
    run: Run, engine: RecordingEngine, spec: ScanSpec, heard: Listener
) -> None:
    findings = await scan(run, spec, built(run, "orders", "worker"))
    assert [(target.image, target.platform) for target in findings.targets] == [
        ("orders", "linux/amd64"),
        ("orders", "linux/arm64"),
        ("worker", "linux/amd64"),
        ("worker", "linux/arm64"),
    ]
    assert len(scans(engine)) == 4
    counts = {"critical": 2, "high": 2, "medium": 0, "low": 1, "unknown": 0}
    assert findings.targets[0].counts() == counts
    assert findings.counts() == {name: 4 * number for name, number in counts.items()}
    assert findings.targets[0].tool.version == "0.76.0"
    assert "orders (linux/amd64): 2 critical, 1 high, 1 low, 1 licence to know of" in heard.notes()


async def test_the_cage(run: Run, engine: RecordingEngine, spec: ScanSpec, tool: HostTool) -> None:
    await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    (chain,) = scans(engine)
    assert chain.calls[0].text == "container", "an empty one"
    binary, tarball = chain.all("withMountedFile")
    assert binary["source"]["file"] == {"path": tool.path}
    assert tarball["path"] == "/input/orders-linux-amd64.tar"
    assert tarball["source"].text == (
        "container.withLabel(name: 'is', value: 'orders linux/amd64').asTarball"
    )
    assert chain["withExec"]["expect"] == "ANY"
    assert "--offline-scan" in chain["withExec"]["args"]
    for chain in engine.requests:
        assert not {"withSecretVariable", "withMountedSecret", "withRegistryAuth"} & {
            call.field for call in chain.calls
        }


async def test_the_full_report_is_kept(run: Run, spec: ScanSpec, kept: Path) -> None:
    findings = await scan(run, spec, built(run, "orders"))
    names = [target.report for target in findings.targets]
    assert names == ["scan/orders-linux-amd64.trivy.json", "scan/orders-linux-arm64.trivy.json"]
    assert all((kept / name).read_text() == REPORT for name in names)
    assert unfinished(kept) == []


async def test_a_tool_image_is_used_as_it_is(run: Run, engine: RecordingEngine, kept: Path) -> None:
    reference = "registry.test/trivy@sha256:" + "c" * 64
    spec = ScanSpec(
        tool=ImageTool(reference=reference), directory=str(kept), scanners=OFFLINE, database=None
    )
    findings = await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    (chain,) = scans(engine)
    assert chain["from"] == {"address": reference}
    assert chain["withExec"]["useEntrypoint"] is True
    assert findings.targets[0].tool.source == reference


async def test_a_broken_tool_is_no_finding(
    run: Run, engine: RecordingEngine, spec: ScanSpec
) -> None:
    engine.answer("exitCode", lambda chain: 1 if "--input" in chain["withExec"]["args"] else 0)
    engine.answer("stderr", "FATAL unable to open the archive")
    with pytest.raises(ToolError) as raised:
        await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    text = raised.value.diagnostics()
    assert "scanning orders (linux/amd64) failed: trivy ended with exit code 1" in text
    assert "FATAL unable to open the archive" in text
    assert raised.value.exit_code == 5


async def test_a_killed_tool_is_a_tool_error(
    run: Run, engine: RecordingEngine, spec: ScanSpec
) -> None:
    killed = exec_failure(["trivy"], 137, stderr="Killed")
    engine.answer("exitCode", lambda chain: killed if "--input" in chain["withExec"]["args"] else 0)
    with pytest.raises(ToolError, match="137"):
        await scan(run, spec, built(run, "orders", platforms=(AMD64,)))


async def test_a_report_that_does_not_parse_is_kept_all_the_same(
    run: Run, engine: RecordingEngine, spec: ScanSpec, kept: Path
) -> None:
    engine.answer("contents", "not json")
    with pytest.raises(ToolOutputError) as raised:
        await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    assert "not json" in raised.value.diagnostics()
    assert (kept / "scan/orders-linux-amd64.trivy.json").read_text() == "not json"


@pytest.mark.parametrize(
    ("told", "objection"),
    [("Version: 0.69.4", "known to be malicious"), ("Version: 0.20.0", "too old")],
)
async def test_a_version_that_must_not_run_scans_nothing(
    run: Run, engine: RecordingEngine, spec: ScanSpec, told: str, objection: str
) -> None:
    engine.answer("stdout", told)
    with pytest.raises(ToolError, match=objection):
        await scan(run, spec, built(run, "orders"))
    assert not scans(engine)


async def test_a_missing_tool_says_how_to_get_it(run: Run, tmp_path: Path) -> None:
    spec = ScanSpec(tool=HostTool(path=str(tmp_path / "no-such-trivy")))
    with pytest.raises(PlanError, match="not a binary") as raised:
        await scan(run, spec, built(run, "orders"))
    assert "pip install 'keelway[tools]'" in raised.value.diagnostics()


def test_vulnerabilities_need_a_database() -> None:
    with pytest.raises(PlanError, match="needs a vulnerability database"):
        ScanSpec(scanners=("vuln",), database=None)


class _Noon:
    def now(self) -> datetime:
        return datetime(2026, 1, 31, 12, tzinfo=UTC)


async def test_a_database_is_fetched_once_a_day_by_one_step(
    run: Run, engine: RecordingEngine, tool: HostTool, kept: Path
) -> None:
    spec = ScanSpec(
        scanners=("vuln",), database=DownloadedDatabase(), tool=tool, directory=str(kept)
    )
    await scan(Run(run.dag, run.observer, _Noon()), spec, built(run, "orders"))
    (fetch,) = [
        chain
        for chain in engine.asked("exitCode")
        if "--download-db-only" in chain["withExec"]["args"]
    ]
    assert fetch["withEnvVariable"] == {"name": "KEELWAY_DATABASE_DAY", "value": "2026-01-31"}
    mounted = [chain["withMountedDirectory"] for chain in scans(engine)]
    assert [mount["path"] for mount in mounted] == ["/cache", "/cache"]
    assert all("--download-db-only" in mount["source"].text for mount in mounted)
    assert all("--skip-db-update" in chain["withExec"]["args"] for chain in scans(engine))


async def test_no_way_to_the_database_says_what_to_do_without_it(
    run: Run, engine: RecordingEngine, tool: HostTool, kept: Path
) -> None:
    def code(chain: Chain) -> int:
        return 1 if "--download-db-only" in chain["withExec"]["args"] else 0

    engine.answer("exitCode", code)
    engine.answer("stderr", "FATAL failed to download vulnerability DB")
    spec = ScanSpec(scanners=("vuln",), tool=tool, directory=str(kept))
    with pytest.raises(ToolError) as raised:
        await scan(run, spec, built(run, "orders"))
    text = raised.value.diagnostics()
    (hint,) = [line for line in text.splitlines() if line.startswith("next: ")]
    assert "FATAL failed to download" in text
    assert "set scan.database to a Trivy cache directory" in hint
    assert 'or to "none"' in hint
    assert 'drop "vuln" from scan.scanners' in hint


async def test_a_database_of_this_machine_is_mounted(
    run: Run, engine: RecordingEngine, tool: HostTool, kept: Path, tmp_path: Path
) -> None:
    spec = ScanSpec(
        scanners=("vuln",),
        database=DatabaseDirectory(path=str(tmp_path)),
        tool=tool,
        directory=str(kept),
    )
    await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    (chain,) = scans(engine)
    assert chain["withMountedDirectory"]["source"]["directory"] == {"path": str(tmp_path)}


async def test_the_engine_refusing_is_told(
    run: Run, engine: RecordingEngine, spec: ScanSpec
) -> None:
    engine.answer("contents", Failure("report.json: no such file or directory"))
    with pytest.raises(Exception, match="reading the report about orders"):
        await scan(run, spec, built(run, "orders", platforms=(AMD64,)))


def test_the_sample_report_is_json() -> None:
    assert json.loads(REPORT)["SchemaVersion"] == 2


def grype_report() -> str:
    vulnerability = {
        "id": "CVE-2024-0001", "severity": "Critical", "epss": [{"cve": "-", "epss": 0.3}],
        "fix": {"versions": [], "state": "unknown"},
    }  # fmt: skip
    artifact = {"name": "zlib1g", "version": "1:1.2.13", "purl": "pkg:deb/debian/zlib1g@1.2.13"}
    new = {"vulnerability": {"id": "CVE-2024-0009", "severity": "High"}, "artifact": artifact}
    known = {"vulnerability": vulnerability, "artifact": artifact}
    status = {"built": "2026-01-29T00:00:00Z"}
    return json.dumps({"matches": [known, new], "descriptor": {"db": {"status": status}}})


async def test_a_second_opinion_is_counted_once(
    run: Run, engine: RecordingEngine, spec: ScanSpec, kept: Path, tmp_path: Path
) -> None:
    engine.answer(
        "contents",
        lambda chain: grype_report() if "oci-archive" in chain.text else REPORT,
    )
    engine.answer("stdout", lambda chain: "grype 0.110.0" if "grype" in chain.text else "0.76.0")
    grype = GrypeSpec(
        tool=HostTool(path=str(write_static_elf(tmp_path / "grype"))),
        database=DatabaseDirectory(path=str(tmp_path)),
    )
    asked = replace(spec, second_opinion=(grype,))
    findings = await scan(run, asked, built(run, "orders", platforms=(AMD64,)))
    (target,) = findings.targets
    by_id = {one.id: one for one in target.findings}
    assert len(target.findings) == 6
    assert by_id["CVE-2024-0001"].found_by == ("trivy", "grype")
    assert by_id["CVE-2024-0001"].epss == 0.3
    assert by_id["CVE-2024-0009"].found_by == ("grype",)
    (second,) = target.second_opinions
    assert second.report == "scan/orders-linux-amd64.grype.json"
    assert (second.found, second.alone) == (2, 1)
    assert (kept / second.report).read_text() == grype_report()
    assert second.database is not None
    assert second.database.source == "directory"
    chain = next(one for one in engine.asked("exitCode") if "oci-archive" in one.text)
    given = {call["name"]: call["value"] for call in chain.all("withEnvVariable")}
    assert given["GRYPE_DB_AUTO_UPDATE"] == "false"


async def test_only_snyk_is_given_a_secret_its_own_token(
    run: Run, engine: RecordingEngine, spec: ScanSpec, tmp_path: Path
) -> None:
    report = json.dumps({"vulnerabilities": []})
    engine.answer("stdout", lambda chain: "1.1300.0" if "snyk" in chain.text else "Version: 0.76.0")
    engine.answer("contents", lambda chain: report if "oci-archive" in chain.text else REPORT)
    engine.answer("exitCode", lambda chain: 1 if "oci-archive" in chain.text else 0)
    address = "env://SNYK_TOKEN"
    snyk = SnykSpec(tool=HostTool(path=str(write_static_elf(tmp_path / "snyk"))), token=address)
    asked = replace(spec, second_opinion=(snyk,))
    findings = await scan(run, asked, built(run, "orders", platforms=(AMD64,)))
    assert findings.targets[0].second_opinions[0].found == 0
    with_secret = [one for one in engine.asked("exitCode") if "withSecretVariable" in one]
    assert {one["withSecretVariable"]["name"] for one in with_secret} == {"SNYK_TOKEN"}
    assert all("oci-archive" in one.text for one in with_secret)


async def test_mirrors_are_tried_in_their_order(
    run: Run, engine: RecordingEngine, tool: HostTool, kept: Path
) -> None:
    source = DownloadedDatabase(mirrors=("mirror.test/db:2", "other.test/db:2"))
    spec = ScanSpec(scanners=("vuln",), database=source, tool=tool, directory=str(kept))
    findings = await scan(run, spec, built(run, "orders", platforms=(AMD64,)))
    fetch = next(one for one in engine.asked("exitCode") if "--download-db-only" in one.text)
    words = fetch["withExec"]["args"]
    assert words[-4:] == [
        "--db-repository", "mirror.test/db:2", "--db-repository", "other.test/db:2",
    ]  # fmt: skip
    database = findings.targets[0].database
    assert database is not None
    assert database.source == "mirror"
