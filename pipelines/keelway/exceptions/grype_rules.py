"""The ignore rules of `.grype.yaml`, read and written; Grype's rules have no end.

Example:
    >>> from datetime import date
    >>> from keelway.model.exemption import Exemption, Scope
    >>> granted = Exemption(
    ...     id="CVE-2024-0001", reason="not reachable", owner="shop", expires=date(2026, 1, 31),
    ...     scope=Scope(purl="pkg:deb/debian/zlib1g@1.2.13"),
    ... )
    >>> print(write_grype([granted], today=date(2026, 1, 1)), end="")
    ignore:
    - vulnerability: CVE-2024-0001
      include-aliases: true
      reason: not reachable (shop, until 2026-01-31)
      package:
        name: zlib1g
        version: 1.2.13
        type: deb
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from keelway.exceptions.draft import Draft
from keelway.exceptions.purl import parse_purl
from keelway.exceptions.yaml_text import read_yaml, write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from keelway.model.exemption import Exemption

# Grype names packages by Syft's types, which are purl's but for these.
_TYPES = {"pypi": "python", "golang": "go-module", "cargo": "rust-crate", "maven": "java-archive"}
_PURL_TYPES = {syft: purl for purl, syft in _TYPES.items()}


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _Package(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    name: str = ""
    version: str = ""
    type: str = ""
    location: str = ""


class _Rule(BaseModel):
    model_config = ConfigDict(alias_generator=_kebab, extra="ignore", frozen=True, defer_build=True)

    vulnerability: str = ""
    reason: str = ""
    package: _Package = Field(default_factory=_Package)
    vex_status: str = ""
    vex_justification: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    ignore: Annotated[tuple[_Rule, ...], BeforeValidator(lambda value: value or ())] = ()


def write_grype(exemptions: Iterable[Exemption], *, today: date) -> str:
    """Return the rules of the exceptions that hold today: Grype itself ends none."""
    rules = [_rule(one) for one in exemptions if speaks_grype(one) and not one.expired(today)]
    return write_yaml({"ignore": rules})


def speaks_grype(one: Exemption) -> bool:
    """Return whether Grype has words for it: it finds vulnerabilities, and knows no platforms."""
    scoped = one.scope.image is not None or one.scope.platform is not None
    patterned = one.scope.purl is not None and bool(set(one.scope.purl) & set("*?["))
    vulnerability = one.id.upper().startswith(("CVE-", "GHSA-", "DSA-", "DLA-"))
    return vulnerability and not scoped and not patterned and not one.of_policy


def _rule(one: Exemption) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "vulnerability": one.id,
        "include-aliases": True,
        "reason": f"{one.reason} ({one.owner}, until {one.expires})",
    }
    package: dict[str, str] = {}
    purl = None if one.scope.purl is None else parse_purl(one.scope.purl)
    if purl is not None:
        package["name"] = purl.name
        if purl.version is not None:
            package["version"] = purl.version
        package["type"] = _TYPES.get(purl.type, purl.type)
    if one.scope.path is not None:
        package["location"] = "/" + one.scope.path.lstrip("/")
    return {**rule, "package": package} if package else rule


def read_grype(text: str, file: str) -> tuple[Draft, ...]:
    """Return what the rules let pass; rules that name no vulnerability are no exceptions.

    Raises:
        ConfigError: The text is no configuration of Grype's; names line or key.
    """
    return tuple(
        Draft(
            id=rule.vulnerability,
            purl=_purl(rule.package),
            path=rule.package.location or None,
            reason=rule.reason or None,
            vex_status=rule.vex_status or None,
            justification=rule.vex_justification or None,
        )
        for rule in read_yaml(text, file, _File).ignore
        if rule.vulnerability
    )


def _purl(package: _Package) -> str | None:
    """Return a pattern for the package: Grype's rules tell no namespace."""
    if not package.name:
        return None
    kind = _PURL_TYPES.get(package.type, package.type) or "*"
    version = f"@{package.version}" if package.version else ""
    # A namespace is a distribution's for its packages, and part of the name elsewhere.
    space = "*/" if kind in {"deb", "rpm", "apk", "*"} else ""
    return f"pkg:{kind}/{space}{package.name}{version}"
