"""What is asked of which digest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from keelway.model.evidence import PredicateType, Subject
from keelway.model.image import Digest
from keelway.model.platform import Platform
from keelway.verification.checks import Check, Demands, Proved, check

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SAID: dict[PredicateType, dict[str, Any]] = {
    PredicateType.PROVENANCE: {"runDetails": {"builder": {"id": "https://ci.example/build"}}},
    PredicateType.VERIFICATION_SUMMARY: {"verificationResult": "PASSED"},
    PredicateType.TEST_RESULT: {"result": "PASSED"},
    PredicateType.SPDX: {},
    PredicateType.VULNERABILITIES: {"metadata": {"scanFinishedOn": "2026-02-20T12:00:00Z"}},
}
OF_THE_WHOLE = ("signature", "provenance", "verdict", "policy")
OF_EACH_PLATFORM = (*OF_THE_WHOLE, "sbom spdx", "scan")


def proved(platform: str | None = None, *, without: PredicateType | None = None) -> Proved:
    """Return a signed digest with all statements but one."""
    subject = Subject(
        image="orders",
        platform=None if platform is None else Platform(platform),
        digest=Digest("sha256:" + "0" * 64),
        repositories=("registry.example/orders",),
    )
    statements = tuple(
        {"predicateType": kind.value, "predicate": predicate}
        for kind, predicate in SAID.items()
        if kind is not without
    )
    return Proved(subject=subject, signed=True, statements=statements)


def asked(*found: Proved) -> tuple[Check, ...]:
    return check(found, Demands(), today=NOW)


def names(checks: tuple[Check, ...], subject: str) -> tuple[str, ...]:
    return tuple(one.name for one in checks if one.subject == subject)


def test_an_index_is_asked_for_what_concerns_all_and_each_platform_for_everything() -> None:
    checks = asked(proved(), proved("linux/amd64"), proved("linux/arm64"))
    assert names(checks, "index") == OF_THE_WHOLE
    assert names(checks, "linux/amd64") == names(checks, "linux/arm64") == OF_EACH_PLATFORM
    assert all(one.passed for one in checks)


def test_an_image_that_stands_alone_is_asked_for_everything() -> None:
    checks = asked(proved())
    assert names(checks, "image") == OF_EACH_PLATFORM == tuple(one.name for one in checks)
    assert all(one.passed for one in checks)


def test_an_image_that_stands_alone_does_not_pass_without_its_sbom_or_scan() -> None:
    for kind, name in ((PredicateType.SPDX, "sbom spdx"), (PredicateType.VULNERABILITIES, "scan")):
        (missing,) = (one for one in asked(proved(without=kind)) if not one.passed)
        assert (missing.subject, missing.name) == ("image", name)
