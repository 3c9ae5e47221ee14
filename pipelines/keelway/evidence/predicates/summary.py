"""The gate's verdict (SLSA verification summary, v1)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from keelway.evidence.predicates.provenance import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.model.evidence import Evidence
    from keelway.model.provenance import Builder

GATE_POLICY = "urn:keelway:gate:v1"
VERIFIER = "urn:keelway:gate"


def summary(
    *,
    version: str,
    resource: str,
    rule: str,
    builder: Builder,
    inputs: Iterable[Evidence],
    epoch: int,
) -> dict[str, Any]:
    """Return the predicate; it exists for images that passed only.

    Args:
        version: Of keelway.
        resource: The image's reference by digest.
        rule: What the gate refuses, in words; its digest names the policy.
        builder: Who built; limits the level that is claimed.
        inputs: Evidence that the verdict rests on.
        epoch: When it was verified, in seconds since 1970.
    """
    attested = [
        {"uri": evidence.reference, "digest": _digest(evidence.digest)} for evidence in inputs
    ]
    return {
        "verifier": {"id": VERIFIER, "version": {"keelway": version}},
        "timeVerified": moment(epoch),
        "resourceUri": resource,
        "policy": {
            "uri": GATE_POLICY,
            "digest": {"sha256": hashlib.sha256(rule.encode()).hexdigest()},
        },
        "inputAttestations": attested,
        "verificationResult": "PASSED",
        "verifiedLevels": [f"SLSA_BUILD_LEVEL_{builder.level}"],
        "slsaVersion": "1.0",
    }


def _digest(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
