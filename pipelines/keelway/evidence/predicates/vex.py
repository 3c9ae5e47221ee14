"""What granted exceptions say about vulnerabilities (OpenVEX 0.2.0).

Products are named by the package URL of the image (purl specification, type `oci`): so
`trivy image --vex oci` matches them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keelway.evidence.predicates.provenance import moment
from keelway.model.exemption import VexStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.model.exemption import Exemption

OPENVEX_CONTEXT = "https://openvex.dev/ns/v0.2.0"


def image_purl(repository: str, digest: str) -> str:
    """Return the package URL of an image in a repository.

    >>> image_purl("localhost:5000/demo/orders", "sha256:ab")
    'pkg:oci/orders@sha256%3Aab?repository_url=localhost%3A5000%2Fdemo%2Forders'
    """
    name = repository.rpartition("/")[2]
    return f"pkg:oci/{name}@{quote(digest, safe='')}?repository_url={quote(repository, safe='')}"


def openvex(
    granted: Iterable[tuple[Exemption, Sequence[str]]],
    *,
    products: Sequence[str],
    author: str,
    epoch: int,
) -> dict[str, Any] | None:
    """Return the document; nothing when no exception says anything about a vulnerability.

    Args:
        granted: Exceptions that have a status, each with the package URLs that it covers.
        products: Package URLs of the image.
        author: Who says so.
        epoch: When, in seconds since 1970.
    """
    statements = [
        _statement(exemption, parts, products)
        for exemption, parts in granted
        if exemption.vex_status is not None
    ]
    if not statements:
        return None
    named = hashlib.sha256(json.dumps(statements, sort_keys=True).encode()).hexdigest()
    return {
        "@context": OPENVEX_CONTEXT,
        "@id": f"urn:keelway:vex:{named}",
        "author": author,
        "timestamp": moment(epoch),
        "version": 1,
        "statements": statements,
    }


def _statement(
    exemption: Exemption, parts: Sequence[str], products: Sequence[str]
) -> dict[str, Any]:
    inside = {"subcomponents": [{"@id": purl} for purl in parts]} if parts else {}
    made: dict[str, Any] = {
        "vulnerability": {"name": exemption.id},
        "products": [{"@id": product, **inside} for product in products],
        "status": None if exemption.vex_status is None else exemption.vex_status.value,
    }
    if exemption.justification is not None:
        made["justification"] = exemption.justification
    # "not_affected" needs one of the two (OpenVEX specification, "Status Justifications").
    if exemption.vex_status is VexStatus.NOT_AFFECTED:
        made["impact_statement"] = exemption.reason
    elif exemption.vex_status is VexStatus.AFFECTED:
        made["action_statement"] = exemption.reason
    return made
