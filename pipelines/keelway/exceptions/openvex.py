"""OpenVEX documents of others, read (OpenVEX 0.2.0), and exceptions as such a document.

A statement is about products: an image, or a package in it, by package URL. Where subcomponents are
named it is about these packages only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keelway.errors import ConfigError, ConfigProblem
from keelway.exceptions.draft import Draft
from keelway.exceptions.purl import covers_purl, parse_purl
from keelway.model.exemption import VexStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keelway.model.exemption import Exemption

_CONTEXT = "https://openvex.dev/ns"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class _Component(_Part):
    id: str | None = Field(default=None, alias="@id")
    identifiers: dict[str, str] = Field(default_factory=dict)

    def names(self) -> Iterator[str]:
        if self.id is not None:
            yield self.id
        if "purl" in self.identifiers:
            yield self.identifiers["purl"]


class _Product(_Component):
    subcomponents: tuple[_Component, ...] = ()


class _Vulnerability(_Part):
    name: str
    aliases: tuple[str, ...] = ()


class _Statement(_Part):
    vulnerability: _Vulnerability
    products: tuple[_Product, ...] = ()
    status: VexStatus
    justification: str | None = None
    impact_statement: str | None = None


class _Document(_Part):
    context: str = Field(alias="@context", pattern=r"^https://openvex\.dev/ns")
    author: str = ""
    statements: tuple[_Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a document says of one vulnerability in one product."""

    ids: tuple[str, ...]
    """The vulnerability's name, and others that it has."""
    product: str
    """Package URL of the image or package; empty when the document names none."""
    parts: tuple[str, ...]
    """Package URLs of the packages in it; all of them when empty."""
    status: VexStatus
    justification: str | None
    reason: str
    origin: str
    """The document."""

    def is_about(self, vulnerability: str, package: str | None, image: str, digest: str) -> bool:
        """Return whether it is about a vulnerability of a package in an image.

        An image is known by name before it is published: a product that names another digest than
        the image's id is about another image.
        """
        if vulnerability.casefold() not in {one.casefold() for one in self.ids}:
            return False
        product = parse_purl(self.product)
        if product is not None and product.type == "oci":
            its = product.name == image and product.version in {None, digest}
            return its and (not self.parts or _any_covers(self.parts, package))
        if not self.product:
            return bool(self.parts) and _any_covers(self.parts, package)
        return covers_purl(self.product, package)


def _any_covers(purls: Iterable[str], package: str | None) -> bool:
    return any(covers_purl(purl, package) for purl in purls)


def parse_openvex(text: str, file: str) -> tuple[Claim, ...]:
    """Return what a document says, in its order.

    Raises:
        ConfigError: The text is no OpenVEX document; names the place.
    """
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = ConfigProblem(
            file=file, line=None, key=key, text=f"no OpenVEX document: {first['msg']}"
        )
        raise ConfigError([problem], next_step="give a document of OpenVEX 0.2.0") from error
    return tuple(
        Claim(
            ids=(statement.vulnerability.name, *statement.vulnerability.aliases),
            product=name,
            parts=tuple(purl for part in product.subcomponents for purl in part.names()),
            status=statement.status,
            justification=statement.justification,
            reason=statement.impact_statement or "",
            origin=file,
        )
        for statement in document.statements
        for product in statement.products or (_Product(),)
        for name in tuple(product.names())[:1] or ("",)
    )


def write_openvex(exemptions: Iterable[Exemption], *, author: str, timestamp: str) -> str:
    """Return the exceptions as one document; those for which it has no words are left out.

    It says of each that has a `vex_status` and names a package or an image what it says of it.

    Args:
        exemptions: The exceptions.
        author: Who says so.
        timestamp: When, RFC 3339.
    """
    statements = [_statement(one) for one in exemptions if speaks_openvex(one)]
    named = hashlib.sha256(json.dumps(statements, sort_keys=True).encode()).hexdigest()
    document = {
        "@context": f"{_CONTEXT}/v0.2.0",
        "@id": f"urn:keelway:vex:{named}",
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "statements": statements,
    }
    return json.dumps(document, indent=2) + "\n"


def speaks_openvex(one: Exemption) -> bool:
    """Return whether OpenVEX has words for it: a status, and a product without patterns."""
    product = one.scope.purl or one.scope.image
    return one.vex_status is not None and product is not None and not set(product) & set("*?[")


def _statement(one: Exemption) -> dict[str, Any]:
    package, image = one.scope.purl, one.scope.image
    product: dict[str, Any] = {"@id": package if image is None else f"pkg:oci/{image}"}
    if image is not None and package is not None:
        product["subcomponents"] = [{"@id": package}]
    made: dict[str, Any] = {
        "vulnerability": {"name": one.id},
        "products": [product],
        "status": str(one.vex_status),
    }
    if one.justification is not None:
        made["justification"] = one.justification
    # "not_affected" needs one of the two (OpenVEX specification, "Status Justifications").
    if one.vex_status is VexStatus.NOT_AFFECTED:
        made["impact_statement"] = one.reason
    elif one.vex_status is VexStatus.AFFECTED:
        made["action_statement"] = one.reason
    return made


def read_openvex(claims: Iterable[Claim]) -> tuple[Draft, ...]:
    """Return what a document lets pass: `not_affected` and `fixed`, once for each package."""
    drafts: dict[Draft, None] = {}
    for claim in claims:
        if claim.status not in {VexStatus.NOT_AFFECTED, VexStatus.FIXED}:
            continue
        product = parse_purl(claim.product)
        image = product.name if product is not None and product.type == "oci" else None
        alone = (None,) if image is not None else (claim.product or None,)
        for purl in claim.parts or alone:
            drafts[
                Draft(
                    id=claim.ids[0],
                    image=image,
                    purl=purl,
                    reason=claim.reason or None,
                    vex_status=claim.status.value,
                    justification=claim.justification
                    if claim.status is VexStatus.NOT_AFFECTED
                    else None,
                )
            ] = None
    return tuple(drafts)
