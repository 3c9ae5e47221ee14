"""What several scanners found about one image, each thing once.

Example:
    >>> from keelway.model.findings import Finding, Kind, Severity
    >>> def found(title: str) -> Finding:
    ...     return Finding(kind=Kind.VULNERABILITY, id="CVE-2024-0001", severity=Severity.HIGH,
    ...                    title=title, where="-", package="bash", version="5.2")
    >>> merged, alone = merge([("trivy", (found("first"),)), ("grype", (found("second"),))])
    >>> [(one.title, one.found_by) for one in merged], alone
    ([('first', ('trivy', 'grype'))], (1, 0))
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.model.findings import Finding, finding_order

if TYPE_CHECKING:
    from collections.abc import Sequence


def merge(
    reports: Sequence[tuple[str, Sequence[Finding]]],
) -> tuple[tuple[Finding, ...], tuple[int, ...]]:
    """Return the findings, worst first, and how many each scanner was the first to find.

    What a later scanner says about a thing that is known already adds what was not known of it: a
    fix, a date, a threat. The worst severity counts: scanners differ in whose measure they take.

    Args:
        reports: Name and findings of each scanner; the first one's words stand.
    """
    things: list[Finding] = []
    alone: list[int] = []
    for scanner, findings in reports:
        before, new = len(things), list[Finding]()
        for finding in findings:
            same = [at for at in range(before) if _same(things[at], finding)]
            for at in same:
                things[at] = _joined(things[at], finding, scanner)
            if not same:
                new.append(replace(finding, found_by=(scanner,)))
        things += new
        alone.append(len(new))
    return tuple(sorted(things, key=finding_order)), tuple(alone)


def _same(one: Finding, other: Finding) -> bool:
    """Return whether both are about one vulnerability of one package.

    Places are no part of it, for scanners name them differently.
    """
    if (one.kind, one.id.casefold()) != (other.kind, other.id.casefold()):
        return False
    if one.package is None or other.package is None:
        return one.where == other.where
    same_version = one.version is None or other.version is None or one.version == other.version
    return _plain(one.package) == _plain(other.package) and same_version


def _plain(package: str) -> str:
    """Return a package's name as PyPI compares names; other ecosystems' names stay as they are."""
    return package.casefold().replace("_", "-")


def _joined(known: Finding, other: Finding, scanner: str) -> Finding:
    likely = [epss for epss in (known.epss, other.epss) if epss is not None]
    dates = [day for day in (known.published, other.published) if day is not None]
    return replace(
        known,
        severity=max(known.severity, other.severity),
        fixed_in=known.fixed_in or other.fixed_in,
        purl=known.purl or other.purl,
        published=min(dates, default=None),
        epss=max(likely, default=None),
        known_exploited=known.known_exploited or other.known_exploited,
        found_by=tuple(dict.fromkeys((*known.found_by, scanner))),
    )
