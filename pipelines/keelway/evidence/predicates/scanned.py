"""What a scanner found (cosign's vulnerability attestation specification, v1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keelway.evidence.predicates.provenance import moment

if TYPE_CHECKING:
    from keelway.model.findings import Database
    from keelway.model.provenance import Builder
    from keelway.model.tool import ToolVersion


def scanned(
    tool: ToolVersion, used: Database | None, report: str, builder: Builder, *, epoch: int
) -> dict[str, Any]:
    """Return the predicate: of one scanner, for the specification knows one each.

    Args:
        tool: The scanner.
        used: Its database, where it tells of one.
        report: The scanner's own JSON about one image for one platform, whole.
        builder: Who ran it.
        epoch: The time of the scan when the scanner did not tell, in seconds since 1970.

    Raises:
        ValueError: The report is no JSON.
    """
    database: dict[str, Any] = {}
    if used is not None:
        database["uri"] = used.source
        if used.built_at is not None:
            database["lastUpdate"] = moment(int(used.built_at.timestamp()))
    invocation = {} if builder.invocation is None else {"uri": builder.invocation}
    return {
        "invocation": {**invocation, "builder.id": builder.id},
        "scanner": {
            "uri": f"pkg:generic/{tool.name}@{tool.version}",
            "version": tool.version,
            "db": database,
            "result": json.loads(report),
        },
        "metadata": {"scanStartedOn": moment(epoch), "scanFinishedOn": moment(epoch)},
    }
