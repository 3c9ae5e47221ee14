"""How likely a vulnerability is to be exploited, from dated files: no service is asked.

FIRST publishes EPSS once a day as `epss_scores-YYYY-MM-DD.csv.gz`, CISA its catalogue of known
exploited vulnerabilities as `known_exploited_vulnerabilities.json`.

Example:
    >>> epss = '#model_version:v2025.03.14,score_date:2026-01-30T12:00:00Z'
    >>> parse_epss(epss + chr(10) + 'cve,epss,percentile' + chr(10) + 'CVE-2023-4911,0.71,0.98')
    ({'CVE-2023-4911': 0.71}, '2026-01-30')
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keelway.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from keelway.model.findings import Finding

KEV_FILE = "known_exploited_vulnerabilities.json"
_EPSS_FILES = "epss_scores*.csv*"
_REPLACE = "fetch the file again: EPSS from FIRST, the catalogue from CISA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threats:
    """What is known of the exploitation of vulnerabilities, by CVE."""

    epss: Mapping[str, float] = field(default_factory=dict[str, float])
    exploited: frozenset[str] = frozenset()
    dated: tuple[str, ...] = ()
    """What was read and of which day, in words."""

    def about(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings with what is known; what their scanner said itself stays."""
        return tuple(self._about(finding) for finding in findings)

    def _about(self, finding: Finding) -> Finding:
        likely = self.epss.get(finding.id)
        if likely is None and finding.id not in self.exploited:
            return finding
        return replace(
            finding,
            epss=finding.epss if likely is None else likely,
            known_exploited=finding.known_exploited or finding.id in self.exploited,
        )


def load_threats(directory: Path) -> Threats:
    """Return what the files of a directory say; the newest of several EPSS files counts.

    Raises:
        StageError: There is none of them, or one cannot be read.
    """
    scores = sorted(directory.glob(_EPSS_FILES))
    kev = directory / KEV_FILE
    if not scores and not kev.is_file():
        raise StageError(
            f"gate.threat_data: {directory} has neither epss_scores.csv[.gz] nor {KEV_FILE}",
            stage="scan",
            next_step="put at least one of them there, or remove gate.threat_data",
        )
    epss, epss_day = _read(scores[-1], parse_epss) if scores else (dict[str, float](), "")
    exploited, kev_day = _read(kev, parse_kev) if kev.is_file() else (frozenset[str](), "")
    dated = [f"EPSS of {epss_day}"] if scores else []
    dated += [f"known exploited vulnerabilities of {kev_day}"] if kev.is_file() else []
    return Threats(epss=epss, exploited=exploited, dated=tuple(dated))


def _read(file: Path, parse: Any) -> Any:
    try:
        data = file.read_bytes()
        packed = file.suffix == ".gz"
        return parse((gzip.decompress(data) if packed else data).decode("utf-8"))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise StageError(
            f"gate.threat_data: {file.name} cannot be read",
            stage="scan",
            why=str(error),
            next_step=_REPLACE,
        ) from error


def parse_epss(text: str) -> tuple[dict[str, float], str]:
    """Return the probability by CVE, and the day of the scores.

    Raises:
        ValueError: A line is no score; names the line.
    """
    lines = text.splitlines()
    head = lines[0] if lines and lines[0].startswith("#") else ""
    day = head.partition("score_date:")[2][:10] or "an unknown day"
    skipped = 1 if head else 0
    rows = csv.DictReader(lines[skipped:])
    scores: dict[str, float] = {}
    for number, row in enumerate(rows, skipped + 2):
        try:
            scores[row["cve"]] = float(row["epss"])
        except (KeyError, TypeError, ValueError) as error:
            msg = f"line {number}: a row has the columns cve and epss, a number"
            raise ValueError(msg) from error
    return scores, day


def parse_kev(text: str) -> tuple[frozenset[str], str]:
    """Return the CVEs of CISA's catalogue, and the day of its release.

    Raises:
        ValueError: The text is no such catalogue.
    """
    try:
        catalogue = json.loads(text)
        exploited = frozenset(str(one["cveID"]) for one in catalogue["vulnerabilities"])
    except (KeyError, TypeError) as error:
        msg = f"it has no list of vulnerabilities with a cveID ({error!r})"
        raise ValueError(msg) from error
    return exploited, str(catalogue.get("dateReleased", ""))[:10] or "an unknown day"
