"""Trivy's command lines and reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keelway._tools.trivy import TRIVY, database_argv, scan_argv
from keelway._tools.trivy_report import parse_report
from keelway.errors import ToolOutputError
from keelway.model.findings import Finding, Kind, Severity

REPORT = (Path(__file__).parents[2] / "assets" / "trivy_report.json").read_text()


def parsed(text: str) -> tuple[str, tuple[Finding, ...]]:
    report = parse_report(text, tarball="/input/orders-linux-amd64.tar", name="image orders")
    return report.image, report.findings


def test_the_whole_command_line() -> None:
    argv = scan_argv("/in/a.tar", "/out/r.json", scanners=["secret", "misconfig"], cache="/c")
    assert " ".join(argv) == (
        "image --input /in/a.tar --format json --output /out/r.json --scanners secret,misconfig"
        " --image-config-scanners misconfig,secret --exit-code 0 --cache-dir /c"
        " --list-all-pkgs=false --timeout 1800s --no-progress --quiet --skip-version-check"
        " --disable-telemetry --skip-db-update --skip-check-update --skip-java-db-update"
        " --offline-scan"
    )


def test_only_scanners_that_read_the_config_are_named_for_it() -> None:
    assert "--image-config-scanners" not in scan_argv("a", "b", scanners=["license"])


def test_findings_never_end_in_an_exit_code() -> None:
    argv = scan_argv("a", "b", scanners=["secret"])
    assert argv[argv.index("--exit-code") + 1] == "0"


def test_the_database_step_scans_nothing() -> None:
    assert "--download-db-only" in database_argv("/c")
    assert "--input" not in database_argv("/c")


def test_every_kind_is_read_worst_first_and_once() -> None:
    image, findings = parsed(REPORT)
    assert image.startswith("sha256:1edb787d")
    assert [(found.kind, found.severity, found.id) for found in findings] == [
        (Kind.SECRET, Severity.CRITICAL, "aws-access-key-id"),
        (Kind.VULNERABILITY, Severity.CRITICAL, "CVE-2024-0001"),
        (Kind.LICENSE, Severity.HIGH, "GPL-3.0-or-later"),
        (Kind.MISCONFIGURATION, Severity.HIGH, "DS-0002"),
        (Kind.VULNERABILITY, Severity.LOW, "CVE-2024-0002"),
    ]
    secret, _, licence, _, fixable = findings
    assert secret.where == "/app/creds.txt:3"
    assert (licence.package, licence.where) == ("bash", "OS Packages")
    assert (fixable.version, fixable.fixed_in) == ("5.2", "5.2.1")


def test_the_image_is_called_by_its_name() -> None:
    places = {found.where for found in parsed(REPORT)[1]}
    assert {"image orders", "image orders (debian 12.9)"} <= places


def test_a_check_that_passed_is_no_finding() -> None:
    assert "DS-0026" not in {found.id for found in parsed(REPORT)[1]}


def test_a_clean_image_has_no_results() -> None:
    report = json.loads(REPORT)
    report["Results"] = None
    assert parsed(json.dumps(report))[1] == ()


def test_a_severity_that_nobody_knows_is_unknown() -> None:
    report = json.loads(REPORT.replace('"CRITICAL"', '"FATAL"'))
    severities = {found.severity for found in parsed(json.dumps(report))[1]}
    assert severities == {Severity.UNKNOWN, Severity.LOW, Severity.HIGH}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"SchemaVersion": 3, "Metadata": {}}'])
def test_anything_else_is_an_error_with_the_text(text: str) -> None:
    with pytest.raises(ToolOutputError) as raised:
        parsed(text)
    assert raised.value.text == text


@pytest.mark.parametrize(("version", "good"), [("0.76.0", True), ("0.69.4", False)])
def test_the_malicious_version_is_refused(version: str, *, good: bool) -> None:
    assert (TRIVY.objection(version) is None) is good


def test_the_version_is_found_in_what_it_prints() -> None:
    assert TRIVY.parse_version("Version: 0.76.0\nVulnerability DB:\n") == "0.76.0"
    with pytest.raises(ToolOutputError, match="did not tell its version"):
        TRIVY.parse_version("trivy")
