"""Exceptions in the files of Trivy, Grype and OpenVEX, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from keelway.config.exceptions import parse_exceptions
from keelway.errors import ConfigError
from keelway.exceptions.draft import Draft, write_toml
from keelway.exceptions.grype_rules import read_grype, write_grype
from keelway.exceptions.openvex import parse_openvex, read_openvex, write_openvex
from keelway.exceptions.trivyignore import read_trivyignore, write_trivyignore
from keelway.model.exemption import Exemption, Scope, VexStatus

ZLIB = Exemption(
    id="CVE-2023-45853", reason="minizip is not shipped", owner="shop",
    expires=date(2026, 12, 31), scope=Scope(purl="pkg:deb/debian/zlib1g"),
    vex_status=VexStatus.NOT_AFFECTED, justification="vulnerable_code_not_present",
)  # fmt: skip
RULE = Exemption(
    id="healthcheck", reason="a job", owner="shop", expires=ZLIB.expires, of_policy=True
)
HERE_ONLY = replace(ZLIB, scope=Scope(image="orders", platform="linux/amd64"))
AFFECTED = "https://openvex.dev/ns/v0.2.0"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"@context": AFFECTED, "author": "x", "statements": statements})


def test_trivys_day_is_the_one_after_ours() -> None:
    text = write_trivyignore([ZLIB, RULE, HERE_ONLY])
    assert "expired_at: 2027-01-01" in text
    (back,) = read_trivyignore(text, ".trivyignore.yaml")
    assert (back.id, back.purl, back.expires) == (ZLIB.id, ZLIB.scope.purl, ZLIB.expires)


def test_an_exception_of_one_image_is_never_widened() -> None:
    assert read_trivyignore(write_trivyignore([HERE_ONLY]), "f") == ()
    assert read_grype(write_grype([HERE_ONLY], today=ZLIB.expires), "f") == ()


def test_what_ended_is_not_written_for_grype() -> None:
    assert read_grype(write_grype([ZLIB], today=date(2027, 1, 1)), "f") == ()
    (back,) = read_grype(write_grype([ZLIB], today=ZLIB.expires), "f")
    assert (back.id, back.purl) == (ZLIB.id, "pkg:deb/*/zlib1g")


def test_openvex_goes_out_and_comes_back() -> None:
    text = write_openvex([ZLIB, RULE], author="shop", timestamp="2026-01-31T00:00:00Z")
    (back,) = read_openvex(parse_openvex(text, "f"))
    assert back == Draft(
        id=ZLIB.id, purl=ZLIB.scope.purl, reason=ZLIB.reason, vex_status="not_affected",
        justification=ZLIB.justification,
    )  # fmt: skip


def test_an_import_must_be_completed_before_it_grants_anything() -> None:
    drafts = [Draft(id="CVE-2024-0001", purl="pkg:pypi/jinja2", reason='a "quoted"\nreason')]
    with pytest.raises(ConfigError, match="owner"):
        parse_exceptions(write_toml(drafts))
    (granted,) = parse_exceptions(write_toml(drafts, owner="shop", expires=ZLIB.expires))
    assert (granted.reason, granted.owner, granted.expires) == (
        'a "quoted"\nreason', "shop", ZLIB.expires,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("product", "parts", "covered"),
    [
        ("pkg:deb/debian/zlib1g", [], True),
        ("pkg:deb/debian/zlib1g@1.2.13", [], True),
        ("pkg:deb/debian/zlib1g@1.3", [], False),
        ("pkg:deb/debian/zlib1g?arch=arm64", [], False),
        ("pkg:oci/orders", [], True),
        ("pkg:oci/orders", ["pkg:deb/debian/zlib1g"], True),
        ("pkg:oci/orders", ["pkg:deb/debian/bash"], False),
        ("pkg:oci/orders@sha256%3Aab", [], True),
        ("pkg:oci/orders@sha256%3Acd", [], False),
        ("pkg:oci/worker", [], False),
    ],
)
def test_whom_a_statement_is_about(product: str, parts: list[str], covered: bool) -> None:
    statement = {
        "vulnerability": {"name": "CVE-2023-45853"},
        "products": [{"@id": product, "subcomponents": [{"@id": part} for part in parts]}],
        "status": "fixed",
    }
    (claim,) = parse_openvex(document(statement), "f")
    package = "pkg:deb/debian/zlib1g@1.2.13?arch=amd64&distro=debian-12"
    assert claim.is_about("cve-2023-45853", package, "orders", "sha256:ab") is covered
    assert not claim.is_about("CVE-2024-0001", package, "orders", "sha256:ab")


@pytest.mark.parametrize("text", ["", "{}", document({"status": "fixed"}), document()[:-3]])
def test_what_is_no_openvex_document_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"vendor\.json.*no OpenVEX document"):
        parse_openvex(text, "vendor.json")


def test_a_file_of_another_tool_with_a_typo_is_named() -> None:
    with pytest.raises(ConfigError, match="not valid YAML") as raised:
        read_trivyignore("vulnerabilities:\n  - id: [", ".trivyignore.yaml")
    assert ".trivyignore.yaml:" in str(raised.value)
    with pytest.raises(ConfigError, match="vulnerability: Extra"):
        read_trivyignore("vulnerability: []", ".trivyignore.yaml")


ENTRY = """\
[[exception]]
id = "CVE-2024-0001"
reason = "not reachable"
owner = "shop"
expires = 2026-01-31
"""


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        (ENTRY.replace('owner = "shop"\n', ""), 1, "owner"),
        (ENTRY.replace("owner", "onwer"), 4, "Did you mean 'owner'"),
        (ENTRY + 'severity = "high"\n', 6, "severity"),
        (ENTRY.replace("2026-01-31", "2026-02-31"), 5, "not valid TOML"),
        (ENTRY.replace("2026-01-31", '"soon"'), 5, "date"),
        (ENTRY.replace('"CVE-2024-0001"', '"CVE-2024-0001'), 2, "not valid TOML"),
    ],
    ids=["no owner", "typo", "unknown key", "no such day", "no day", "no TOML"],
)
def test_a_mistake_in_the_exceptions_file_has_its_place(wrong: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_exceptions(wrong)
    text = raised.value.diagnostics()
    assert f"keelway-exceptions.toml:{line}" in text
    assert said in text
