"""Vulnerabilities as GitLab's container-scanning report (its schema, 15.0.2). Pure.

GitLab takes one document a job: all images are in it, and a vulnerability that an image has on
several platforms is told once, with their names.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from keelway.model.findings import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from keelway.model.findings import Finding
    from keelway.model.tool import ToolVersion
    from keelway.report.told import ToldImage

VERSION = "15.0.2"
# GitLab's limits, in characters.
_LONGEST_NAME = 255
_LONGEST_SOLUTION = 7000
_UNKNOWN = "unknown"
_VENDORS = {"trivy": "Aqua Security", "grype": "Anchore", "snyk": "Snyk"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://pypi.org/project/keelway/")


def gitlab_report(
    images: Sequence[ToldImage], *, version: str, began: datetime, ended: datetime
) -> dict[str, Any]:
    """Return the report about all images; what an exception covers is counted only.

    Args:
        images: What was found.
        version: Keelway's.
        began: When the scan began.
        ended: When it ended.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    platforms: dict[tuple[str, ...], list[str]] = {}
    suppressed = 0
    for image in images:
        for one in image.told:
            finding = one.finding
            if finding.kind is not Kind.VULNERABILITY or finding.package is None:
                continue
            if one.suppressed:
                suppressed += 1
                continue
            key: tuple[str, ...] = (
                image.image,
                finding.id,
                finding.package,
                finding.version or "",
            )
            found.setdefault(key, _vulnerability(image, finding, key))
            platforms.setdefault(key, []).append(image.platform)
    for key, where in platforms.items():
        found[key]["details"] = {
            "platforms": {"name": "Platforms", "type": "text", "value": ", ".join(where)}
        }
    tools = [tool for image in images for tool in image.tools]
    scan: dict[str, Any] = {
        "analyzer": _program("keelway", version, "keelway"),
        "scanner": _scanner(tools, version),
        "type": "container_scanning",
        "start_time": _time(began),
        "end_time": _time(ended),
        "status": "success",
    }
    if suppressed:
        text = f"{suppressed} vulnerabilities are left out, for an exception covers them"
        scan["messages"] = [{"level": "info", "value": text}]
    return {"version": VERSION, "scan": scan, "vulnerabilities": list(found.values())}


def _vulnerability(image: ToldImage, finding: Finding, key: Iterable[str]) -> dict[str, Any]:
    os = image.os
    made: dict[str, Any] = {
        "id": str(uuid.uuid5(_NAMESPACE, "\0".join(key))),
        "name": (finding.title or finding.id)[:_LONGEST_NAME],
        "description": finding.title or finding.id,
        "severity": finding.severity.label.capitalize(),
        "identifiers": [_identifier(finding)],
        "location": {
            "dependency": {
                "package": {"name": finding.package},
                "version": finding.version or _UNKNOWN,
            },
            "operating_system": _UNKNOWN if os is None else f"{os.family} {os.version}".strip(),
            "image": image.image,
        },
    }
    if finding.fixed_in:
        text = f"Upgrade {finding.package} to {finding.fixed_in}"
        made["solution"] = text[:_LONGEST_SOLUTION]
    if _is_address(finding.url):
        made["links"] = [{"url": finding.url}]
    return made


def _identifier(finding: Finding) -> dict[str, Any]:
    """Return the id in GitLab's form: its kind is the part before the first hyphen."""
    kind = finding.id.partition("-")[0].lower() or _UNKNOWN
    made: dict[str, Any] = {"type": kind, "name": finding.id, "value": finding.id}
    if _is_address(finding.url):
        made["url"] = finding.url
    return made


def _is_address(url: str | None) -> bool:
    return url is not None and url.startswith(("http://", "https://"))


def _scanner(tools: Sequence[ToolVersion], version: str) -> dict[str, Any]:
    if not tools:
        return _program("keelway", version, "keelway")
    names = list(dict.fromkeys(tool.name for tool in tools))
    vendor = _VENDORS.get(names[0], names[0])
    return _program("+".join(names), tools[0].version, vendor)


def _program(name: str, version: str, vendor: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "version": version or _UNKNOWN,
        "vendor": {"name": vendor},
    }


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S")
