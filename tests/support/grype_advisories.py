"""A small database of Grype's, made by Grype's own library out of public facts.

    cache = build_grype_database(tmp_path, need_optional("grype-database"))
    subprocess.run(["grype", ...], env={"GRYPE_DB_CACHE_DIR": cache, ...})

The facts are those of `tests.support.advisories`, in the form of vunnel's workspaces: what matches,
how severe it is and what fixes it is the scanner's decision.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.support.advisories import DEBIAN, PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUILT_AT = "2026-01-29T06:00:00Z"
EPSS, EXPLOITED = 0.71, "CVE-2023-4911"
_SCHEMAS = "https://raw.githubusercontent.com/anchore/vunnel/main/schema"
_NUMBERS = {"bookworm": "12", "bullseye": "11", "buster": "10"}


def build_grype_database(folder: Path, program: str) -> Path:
    """Return a cache directory of Grype's that holds a database of the facts."""
    facts, cache = folder / "grype-facts", folder / "grype-cache"
    _provider(facts / "debian", "vulnerability/os/schema-1.0.3.json", _debian())
    _provider(
        facts / "github", "vulnerability/github-security-advisory/schema-1.0.3.json", _github()
    )
    score = {"cve": EXPLOITED, "epss": EPSS, "percentile": 0.98, "date": "2026-01-28"}
    _provider(facts / "epss", "vulnerability/epss/schema-1.0.0.json", [("epss", score)])
    listed = {"cveID": EXPLOITED, "dateAdded": "2023-11-21", "product": "GNU C Library"}
    _provider(facts / "kev", "vulnerability/known-exploited/schema-1.0.0.json", [("kev", listed)])
    (cache / "6").mkdir(parents=True)
    done = subprocess.run(
        [program, str(facts), str(cache / "6")],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return cache


def _debian() -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield one record for each vulnerability and release, as vunnel reads Debian's tracker."""
    for fact in DEBIAN:
        for release, number in _NUMBERS.items():
            if release not in {*fact.fixed_in, *fact.unfixed_in}:
                continue
            fixed = {
                "Name": fact.package,
                "NamespaceName": f"debian:{number}",
                # What is not fixed has no version.
                "Version": fact.fixed_in.get(release, "None"),
                "VersionFormat": "dpkg",
                "VendorAdvisory": {"AdvisorySummary": [], "NoAdvisory": False},
            }
            vulnerability = {
                "Name": fact.id,
                "NamespaceName": f"debian:{number}",
                "Description": fact.title,
                "Severity": fact.severity.capitalize(),
                "Link": f"https://security-tracker.debian.org/tracker/{fact.id}",
                "FixedIn": [fixed],
                "CVSS": [],
                "Metadata": {},
            }
            yield f"{release}-{fact.id}", {"Vulnerability": vulnerability}


def _github() -> Iterable[tuple[str, dict[str, Any]]]:
    for fact in PYTHON:
        fixed = {
            "name": fact.package,
            "identifier": fact.fixed_in,
            "ecosystem": "python",
            "namespace": "github:python",
            "range": f"< {fact.fixed_in}",
        }
        advisory = {
            "Classification": "GENERAL",
            "Severity": fact.severity.capitalize(),
            "Summary": fact.title,
            "ghsaId": fact.id,
            "namespace": "github:python",
            "url": f"https://github.com/advisories/{fact.id}",
            "CVE": [fact.alias],
            "Metadata": {"CVE": [fact.alias]},
            "FixedIn": [fixed],
            "published": f"{fact.published}T12:00:00Z",
            "updated": f"{fact.published}T12:00:00Z",
        }
        yield fact.id, {"Advisory": advisory, "Vulnerability": {}}


def _provider(folder: Path, schema: str, records: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Write a provider's workspace: its state, its results, and the list of these."""
    (folder / "results").mkdir(parents=True)
    listing: list[str] = []
    for name, item in records:
        envelope = {"schema": f"{_SCHEMAS}/{schema}", "identifier": name, "item": item}
        data = json.dumps(envelope).encode()
        (folder / "results" / f"{name}.json").write_bytes(data)
        listing.append(f"{hashlib.sha256(data).hexdigest()}  results/{name}.json")
    text = "\n".join(listing) + "\n"
    (folder / "results" / "listing.sha256").write_text(text)
    state = {
        "provider": folder.name,
        "version": 1,
        "distribution_version": 1,
        "processor": "vunnel@0.40.0",
        "schema": {"version": "1.0.3", "url": f"{_SCHEMAS}/provider-workspace-state"},
        "urls": [],
        "timestamp": BUILT_AT,
        "store": "flat-file",
        "stale": False,
        "listing": {
            "path": "results/listing.sha256",
            "digest": hashlib.sha256(text.encode()).hexdigest(),
            "algorithm": "sha256",
        },
    }
    (folder / "metadata.json").write_text(json.dumps(state))
