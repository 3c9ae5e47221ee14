"""A small vulnerability database, made by Trivy's own `trivy-db` out of public facts.

    cache = build_database(tmp_path, need("trivy-db", package="trivy-db, by scripts/go-tools"))
    subprocess.run(["trivy", "image", "--cache-dir", cache, "--skip-db-update", ...])

What is matched, with which severity and fix, is then the scanner's decision. The facts are those of
Debian's security tracker, the NVD and GitHub's advisories, cut down to what is read of them.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_VECTORS = {
    "LOW": "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N",
    "MEDIUM": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",
    "HIGH": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
    "CRITICAL": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
}
_SCORES = {"LOW": 2.2, "MEDIUM": 5.3, "HIGH": 7.5, "CRITICAL": 9.8}
_RELEASES = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "sid": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianFact:
    """A vulnerability of a Debian source package."""

    id: str
    package: str
    title: str
    severity: str
    published: str
    fixed_in: dict[str, str]
    """The version that fixes it, by release; a release without one is not fixed."""
    unfixed_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFact:
    """A vulnerability of a package of the Python package index."""

    id: str
    alias: str
    package: str
    title: str
    severity: str
    published: str
    fixed_in: str


DEBIAN = (
    DebianFact(
        id="CVE-2023-4911",
        package="glibc",
        title="A buffer overflow in the dynamic loader's processing of GLIBC_TUNABLES",
        severity="HIGH",
        published="2023-10-03",
        fixed_in={"bookworm": "2.36-9+deb12u3", "sid": "2.37-12"},
    ),
    DebianFact(
        id="CVE-2023-45853",
        package="zlib",
        title="MiniZip has an integer overflow in zipOpenNewFileInZip4_64",
        severity="CRITICAL",
        published="2023-10-14",
        fixed_in={"sid": "1:1.3.dfsg-3.1"},
        unfixed_in=("bookworm",),
    ),
    DebianFact(
        id="CVE-2023-0286",
        package="openssl",
        title="X.400 address type confusion in X.509 GeneralName",
        severity="HIGH",
        published="2023-02-08",
        fixed_in={"bookworm": "3.0.8-1", "buster": "1.1.1n-0+deb10u4", "sid": "3.0.8-1"},
    ),
)
PYTHON = (
    PythonFact(
        id="GHSA-h5c8-rqwp-cp95",
        alias="CVE-2024-22195",
        package="jinja2",
        title="Jinja vulnerable to HTML attribute injection when passing user input to xmlattr",
        severity="MEDIUM",
        published="2024-01-11",
        fixed_in="3.1.3",
    ),
)


def build_database(folder: Path, trivy_db: str) -> Path:
    """Return a cache directory of Trivy's that holds a database of the facts above."""
    source, cache = folder / "facts", folder / "trivy-cache"
    _write_debian(source / "vuln-list-debian" / "tracker")
    for fact in DEBIAN:
        _write_nvd(source, fact.id, fact.title, fact.severity, fact.published)
    for advisory in PYTHON:
        _write_nvd(source, advisory.alias, advisory.title, advisory.severity, advisory.published)
        _write_ghsa(source, advisory)
    # It reads the names of Swift packages in any case.
    (source / "cocoapods-specs" / "Specs").mkdir(parents=True)
    wanted = [word for name in ("nvd", "debian", "ghsa") for word in ("--only-update", name)]
    subprocess.run(
        [
            trivy_db, "build", *wanted, "--cache-dir", str(source), "--output-dir",
            str(cache / "db"),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return cache


def age_database(cache: Path, updated_at: str) -> None:
    """Say in the database's metadata that it was made at another time."""
    file = cache / "db" / "metadata.json"
    _write(file, {**json.loads(file.read_text()), "UpdatedAt": updated_at})


def _write_debian(tracker: Path) -> None:
    support = {"major-version": "", "support": "security", "contact": ""}
    releases = {name: {**support, "major-version": number} for name, number in _RELEASES.items()}
    _write(tracker / "distributions.json", releases)
    (tracker / "DSA").mkdir()
    (tracker / "DLA").mkdir()
    for fact in DEBIAN:
        _write(
            tracker / "CVE" / f"{fact.id}.json",
            {
                "Header": {"ID": fact.id, "Description": f"({fact.title})"},
                "Annotations": [
                    *(
                        {
                            "Type": "package",
                            "Package": fact.package,
                            "Kind": "fixed",
                            "Version": version,
                            **({} if release == "sid" else {"Release": release}),
                        }
                        for release, version in fact.fixed_in.items()
                    ),
                    *(
                        {
                            "Type": "package",
                            "Package": fact.package,
                            "Kind": "unfixed",
                            "Release": release,
                        }
                        for release in fact.unfixed_in
                    ),
                ],
            },
        )
        for release in (*fact.fixed_in, *fact.unfixed_in):
            version = fact.fixed_in.get(release, "0")
            for place in ("source", "updates-source"):
                _write(
                    tracker / place / release / "main" / fact.package[0] / f"{fact.package}.json",
                    {"Package": [fact.package], "Version": [version]},
                )


def _write_nvd(source: Path, id_: str, title: str, severity: str, published: str) -> None:
    metric = {
        "source": "nvd@nist.gov",
        "type": "Primary",
        "cvssData": {
            "version": "3.1",
            "vectorString": _VECTORS[severity],
            "baseScore": _SCORES[severity],
            "baseSeverity": severity,
        },
    }
    _write(
        source / "vuln-list-nvd" / "api" / id_.split("-")[1] / f"{id_}.json",
        {
            "id": id_,
            "published": f"{published}T12:00:00.000",
            "lastModified": f"{published}T12:00:00.000",
            "vulnStatus": "Analyzed",
            "descriptions": [{"lang": "en", "value": title}],
            "metrics": {"cvssMetricV31": [metric]},
        },
    )


def _write_ghsa(source: Path, fact: PythonFact) -> None:
    year, month, _ = fact.published.split("-")
    events = [{"introduced": "0"}, {"fixed": fact.fixed_in}]
    _write(
        source / "ghsa" / "advisories" / "github-reviewed" / year / month / fact.id
        / f"{fact.id}.json",
        {
            "schema_version": "1.4.0",
            "id": fact.id,
            "published": f"{fact.published}T12:00:00Z",
            "modified": f"{fact.published}T12:00:00Z",
            "aliases": [fact.alias],
            "summary": fact.title,
            "details": fact.title,
            "severity": [{"type": "CVSS_V3", "score": _VECTORS[fact.severity]}],
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": fact.package},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
            "database_specific": {"severity": fact.severity, "github_reviewed": True},
        },
    )  # fmt: skip


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")
