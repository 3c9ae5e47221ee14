"""Which findings of several scanners are one."""

from __future__ import annotations

from datetime import date
from typing import Any

from keelway.model.findings import Finding, Kind, Severity
from keelway.scanners.merging import merge


def found(**some: Any) -> Finding:
    known: dict[str, Any] = {
        "kind": Kind.VULNERABILITY, "id": "CVE-2024-0001", "severity": Severity.HIGH,
        "title": "a hole", "where": "image", "package": "typing-extensions", "version": "1",
    }  # fmt: skip
    return Finding(**{**known, **some})


def test_a_second_scanner_adds_what_was_not_known() -> None:
    other = found(
        where="/usr/lib/x", package="Typing_Extensions", severity=Severity.CRITICAL, fixed_in="2",
        epss=0.4, known_exploited=True, published=date(2024, 1, 1), title="other words",
    )  # fmt: skip
    (one,), alone = merge([("trivy", [found()]), ("grype", [other])])
    assert (one.title, one.where, one.severity, one.fixed_in, one.epss, one.published) == (
        "a hole", "image", Severity.CRITICAL, "2", 0.4, date(2024, 1, 1),
    )  # fmt: skip
    assert one.known_exploited
    assert one.found_by == ("trivy", "grype")
    assert alone == (1, 0)


def test_other_versions_packages_and_ids_stay_apart() -> None:
    others = [found(version="2"), found(package="bash"), found(id="CVE-2024-0002")]
    merged, alone = merge([("trivy", [found()]), ("grype", others)])
    assert len(merged) == 4
    assert alone == (1, 3)


def test_one_scanner_may_find_a_thing_in_two_places() -> None:
    places = [found(where="a"), found(where="b")]
    merged, alone = merge([("trivy", places), ("grype", [found(where="c")])])
    assert [one.where for one in merged] == ["a", "b"]
    assert {one.found_by for one in merged} == {("trivy", "grype")}
    assert alone == (2, 0)


def test_kinds_without_packages_are_told_apart_by_place() -> None:
    secret = found(kind=Kind.SECRET, id="aws", package=None, version=None)
    merged, _ = merge([("trivy", [secret]), ("snyk", [found(kind=Kind.SECRET, id="aws",
                       package=None, version=None, where="elsewhere")])])  # fmt: skip
    assert len(merged) == 2
