"""Grype's command lines and reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keelway._tools.grype import database_argv, environment, scan_argv
from keelway._tools.grype_report import parse_report
from keelway.errors import ToolOutputError
from keelway.model.findings import Severity


def match(name: str, severity: str, **more: Any) -> dict[str, Any]:
    return {
        "vulnerability": {
            "id": name,
            "severity": severity,
            "dataSource": f"https://security-tracker.debian.org/tracker/{name}",
            "urls": [],
            "fix": {"versions": [], "state": "not-fixed"},
            "risk": 0.1,
            **more,
        },
        "relatedVulnerabilities": [],
        "matchDetails": [],
        "artifact": {
            "name": "libc6",
            "version": "2.36-9+deb12u1",
            "type": "deb",
            "purl": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12",
            "locations": [{"path": "/var/lib/dpkg/status"}],
        },
    }


def report(*matches: dict[str, Any]) -> str:
    status = {"schemaVersion": "v6.1.4", "built": "2026-01-30T06:00:00Z", "valid": True}
    return json.dumps(
        {
            "matches": matches,
            "distro": {"name": "debian", "version": "12", "idLike": None},
            "descriptor": {"name": "grype", "version": "0.110.0", "db": {"status": status}},
        }
    )


def test_the_whole_command_line() -> None:
    assert " ".join(scan_argv("/in/a.tar", "/out/r.json")) == (
        "oci-archive:/in/a.tar --output json --file /out/r.json --by-cve"
    )


def test_findings_never_end_in_an_exit_code() -> None:
    assert not {"--fail-on", "-f"} & set(scan_argv("a", "b"))


def test_only_the_database_step_may_ask_anybody() -> None:
    assert database_argv()[:2] == ("db", "update")
    scanning = environment("/c", "/h", update=False)
    assert scanning["GRYPE_DB_AUTO_UPDATE"] == "false"
    assert scanning["GRYPE_CHECK_FOR_APP_UPDATE"] == "false"


def test_threats_and_fixes_are_read() -> None:
    read = parse_report(
        report(
            match("CVE-2024-0002", "Negligible"),
            match(
                "CVE-2023-4911", "High",
                epss=[{"cve": "CVE-2023-4911", "epss": 0.71, "percentile": 0.98, "date": "-"}],
                knownExploited=[{"cve": "CVE-2023-4911", "knownRansomwareCampaignUse": "-"}],
                fix={"versions": ["2.36-9+deb12u3"], "state": "fixed"},
            ),
        )
    )  # fmt: skip
    first, second = read.findings
    assert (first.id, first.epss, first.known_exploited) == ("CVE-2023-4911", 0.71, True)
    assert (first.package, first.fixed_in) == ("libc6", "2.36-9+deb12u3")
    assert second.severity is Severity.LOW
    assert read.database("directory").built_at == datetime(2026, 1, 30, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", report()[:40], "[]", '{"matches": []}'])
def test_half_a_report_is_no_clean_image(text: str) -> None:
    with pytest.raises(ToolOutputError, match="grype wrote a report that cannot be read"):
        parse_report(text)
