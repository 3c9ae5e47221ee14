"""Trivy's `.trivyignore.yaml`, read and written (Trivy's manual, "Filtering", By Finding IDs).

Example:
    >>> from datetime import date
    >>> from keelway.model.exemption import Exemption
    >>> granted = Exemption(
    ...     id="CVE-2024-0001", reason="not reachable", owner="shop", expires=date(2026, 1, 31)
    ... )
    >>> print(write_trivyignore([granted]), end="")
    vulnerabilities:
    - id: CVE-2024-0001
      expired_at: 2026-02-01
      statement: not reachable (shop)
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from keelway.exceptions.draft import Draft
from keelway.exceptions.yaml_text import read_yaml, write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.model.exemption import Exemption

_SECTIONS = ("vulnerabilities", "misconfigurations", "secrets", "licenses")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: str
    paths: tuple[str, ...] = ()
    purls: tuple[str, ...] = ()
    expired_at: date | None = None
    statement: str = ""


Entries = Annotated[tuple[_Entry, ...], BeforeValidator(lambda value: value or ())]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    vulnerabilities: Entries = ()
    misconfigurations: Entries = ()
    secrets: Entries = ()
    licenses: Entries = ()


def write_trivyignore(exemptions: Iterable[Exemption]) -> str:
    """Return the file; exceptions of policy rules, of one image or platform are not for Trivy.

    Trivy's day is the first on which an entry holds no more, ours the last on which it does.
    """
    sections: dict[str, list[dict[str, Any]]] = {}
    for one in exemptions:
        if not speaks_trivy(one):
            continue
        entry: dict[str, Any] = {"id": one.id}
        if one.scope.path is not None:
            entry["paths"] = [one.scope.path.lstrip("/")]
        if one.scope.purl is not None:
            entry["purls"] = [one.scope.purl]
        entry["expired_at"] = one.expires + timedelta(days=1)
        entry["statement"] = f"{one.reason} ({one.owner})"
        for section in _sections_of(one):
            sections.setdefault(section, []).append(entry)
    return write_yaml(sections)


def speaks_trivy(one: Exemption) -> bool:
    """Return whether Trivy's file has words for it: it knows no images and no platforms."""
    scoped = one.scope.image is not None or one.scope.platform is not None
    patterned = one.scope.purl is not None and bool(set(one.scope.purl) & set("*?["))
    return not scoped and not patterned and not one.of_policy


def _sections_of(one: Exemption) -> tuple[str, ...]:
    """Return where an id belongs; one that tells nothing goes wherever Trivy may look for it."""
    name = one.id.upper()
    if one.scope.purl is not None or name.startswith(("CVE-", "GHSA-", "DSA-", "DLA-", "TEMP-")):
        return ("vulnerabilities",)
    if name.startswith(("AVD-", "DS-", "DS0", "KSV")):
        return ("misconfigurations",)
    return ("misconfigurations", "secrets", "licenses")


def read_trivyignore(text: str, file: str) -> tuple[Draft, ...]:
    """Return what the file lets pass, once for each path and package it names.

    Raises:
        ConfigError: The text is no such file; names line and key.
    """
    read = read_yaml(text, file, _File)
    drafts: dict[Draft, None] = {}
    for section in _SECTIONS:
        for entry in getattr(read, section):
            for path in entry.paths or (None,):
                for purl in entry.purls or (None,):
                    ends = None
                    if entry.expired_at is not None:
                        ends = entry.expired_at - timedelta(days=1)
                    drafts[
                        Draft(
                            id=entry.id,
                            path=path,
                            purl=purl,
                            reason=entry.statement or None,
                            expires=ends,
                        )
                    ] = None
    return tuple(drafts)
