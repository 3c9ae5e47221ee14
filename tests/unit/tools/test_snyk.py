"""Snyk's command line and reports."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from keelway._tools.snyk import WORKED, scan_argv
from keelway._tools.snyk_report import parse_report
from keelway.errors import ToolOutputError

REPORT: dict[str, Any] = {
    "vulnerabilities": [
        {
            "id": "SNYK-DEBIAN12-GLIBC-5927132",
            "title": "Out-of-bounds Write",
            "severity": "high",
            "packageName": "glibc/libc6",
            "version": "2.36-9+deb12u1",
            "nearestFixedInVersion": "2.36-9+deb12u3",
            "publicationTime": "2023-10-03T18:00:00Z",
            "identifiers": {"CVE": ["CVE-2023-4911"], "CWE": ["CWE-787"]},
        }
    ],
    "ok": False,
    "applications": [
        {
            "displayTargetFile": "/srv/package.json",
            "vulnerabilities": [
                {
                    "id": "SNYK-JS-THING-1",
                    "title": "No CVE yet",
                    "severity": "low",
                    "packageName": "thing",
                    "version": "1.0.0",
                    "fixedIn": ["1.0.1"],
                    "identifiers": {},
                }
            ],
        }
    ],
}


def test_the_whole_command_line() -> None:
    assert " ".join(scan_argv("/in/a.tar", "/out/r.json")) == (
        "container test oci-archive:/in/a.tar --json-file-output=/out/r.json"
        " --app-vulns --disable-suggestions"
    )


def test_findings_do_not_mean_that_it_broke() -> None:
    assert WORKED == (0, 1)


def test_systems_and_applications_are_read() -> None:
    first, second = parse_report(json.dumps(REPORT))
    assert (first.id, first.package, first.fixed_in, first.published) == (
        "CVE-2023-4911", "libc6", "2.36-9+deb12u3", date(2023, 10, 3),
    )  # fmt: skip
    assert (second.id, second.where, second.fixed_in) == (
        "SNYK-JS-THING-1", "/srv/package.json", "1.0.1",
    )  # fmt: skip
    assert parse_report(json.dumps([REPORT, REPORT])) == (first, second)


@pytest.mark.parametrize("text", ["", '{"vulnerabilities": [', '{"ok": false, "error": "token"}'])
def test_what_is_no_report_is_no_clean_image(text: str) -> None:
    with pytest.raises(ToolOutputError, match="snyk wrote a report that cannot be read"):
        parse_report(text)
