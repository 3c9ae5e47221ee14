"""Where an image comes from (SLSA provenance v1).

The build type and its parameters are described in `docs/reference/provenance.md`.

Example:
    >>> from keelway.model.provenance import Builder, Origin
    >>> said = provenance(
    ...     Origin(image="orders", source=None, parameters={"image": "orders"}),
    ...     Builder(id="urn:keelway:builder:local", kind="local"),
    ...     tools=(), epoch=0,
    ... )
    >>> said["runDetails"]["builder"]["id"]
    'urn:keelway:builder:local'
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.model.provenance import Builder, Dependency, Origin
    from keelway.model.tool import ToolVersion

BUILD_TYPE = "urn:keelway:build:image:v1"


def provenance(
    origin: Origin, builder: Builder, *, tools: Iterable[ToolVersion], epoch: int
) -> dict[str, Any]:
    """Return the predicate.

    Args:
        origin: How the image was asked for.
        builder: Who built it.
        tools: The programs that judged it, as they were when they ran.
        epoch: All times in it, in seconds since 1970.
    """
    sources = [] if origin.source is None else [origin.source]
    resolved = [_descriptor(part) for part in (*sources, *origin.dependencies)]
    resolved += [_tool(tool) for tool in sorted(set(tools), key=lambda tool: tool.name)]
    metadata: dict[str, Any] = {"startedOn": moment(epoch), "finishedOn": moment(epoch)}
    if builder.invocation is not None:
        metadata["invocationId"] = builder.invocation
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": dict(origin.parameters),
            "internalParameters": {},
            "resolvedDependencies": resolved,
        },
        "runDetails": {"builder": {"id": builder.id}, "metadata": metadata},
    }


def moment(epoch: int) -> str:
    """Return a time as RFC 3339 writes it.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _descriptor(part: Dependency) -> dict[str, Any]:
    made: dict[str, Any] = {} if part.name is None else {"name": part.name}
    made["uri"] = part.uri
    if part.digest:
        made["digest"] = dict(part.digest)
    return made


def _tool(tool: ToolVersion) -> dict[str, Any]:
    _, _, digest = tool.source.partition("@")
    made: dict[str, Any] = {
        "name": tool.name,
        "uri": f"pkg:generic/{tool.name}@{tool.version}",
        "annotations": {"role": "tool", "source": tool.source},
    }
    algorithm, _, value = digest.partition(":")
    if value:
        made["digest"] = {algorithm: value}
    return made
