"""What a scanner found (cosign's vulnerability attestation specification, v1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keelway.evidence.predicates.provenance import moment

if TYPE_CHECKING:
    from keelway.model.findings import ImageFindings
    from keelway.model.provenance import Builder


def scanned(found: ImageFindings, report: str, builder: Builder, *, epoch: int) -> dict[str, Any]:
    """Return the predicate.

    Args:
        found: What was found in one image for one platform.
        report: The scanner's own JSON, whole.
        builder: Who ran it.
        epoch: The time of the scan when the scanner did not tell, in seconds since 1970.

    Raises:
        ValueError: The report is no JSON.
    """
    database: dict[str, Any] = {}
    if found.database is not None:
        database["uri"] = found.database.source
        if found.database.built_at is not None:
            database["lastUpdate"] = moment(int(found.database.built_at.timestamp()))
    invocation = {} if builder.invocation is None else {"uri": builder.invocation}
    return {
        "invocation": {**invocation, "builder.id": builder.id},
        "scanner": {
            "uri": f"pkg:generic/{found.tool.name}@{found.tool.version}",
            "version": found.tool.version,
            "db": database,
            "result": json.loads(report),
        },
        "metadata": {"scanStartedOn": moment(epoch), "scanFinishedOn": moment(epoch)},
    }
