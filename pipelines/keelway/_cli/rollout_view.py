"""What runs on targets now, as text or as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keelway._cli import output

if TYPE_CHECKING:
    from keelway.model.rollout import Rollout, TargetRollout

ROLLOUT_SCHEMA = "keelway.rollout/1"
_SHORT_DIGEST = 19


def show_rollout(rollout: Rollout, *, as_json: bool) -> None:
    """Print what runs on targets now."""
    output.result(
        json.dumps(rollout_data(rollout), indent=2, ensure_ascii=False)
        if as_json
        else "\n".join(line for one in rollout.targets for line in _lines(one))
    )


def rollout_data(rollout: Rollout) -> dict[str, Any]:
    """Return what runs now, for programs."""
    return {
        "schema": ROLLOUT_SCHEMA,
        "targets": [
            {
                "target": one.target,
                "environment": one.environment,
                "kind": one.kind,
                "version": one.version,
                "images": dict(one.images),
                "evidence": list(one.evidence),
                "hosts": [
                    {"host": host.host, "version": host.version, "colour": host.colour}
                    for host in one.hosts
                ],
                "details": list(one.details),
                "duration_s": one.duration_s,
            }
            for one in rollout.targets
        ],
    }


def _lines(one: TargetRollout) -> list[str]:
    """Return what runs on a target now, for people."""
    lines = [
        f"{one.target} ({one.environment}): {one.version or 'nothing'} in {one.duration_s:g} s"
    ]
    for name, reference in one.images.items():
        repository, _, digest = reference.partition("@")
        lines.append(f"  image  {name}  {repository}@{digest[:_SHORT_DIGEST]}")
    for host in one.hosts:
        colour = "" if host.colour is None else f" ({host.colour})"
        lines.append(f"  host   {host.host}  {host.version or 'nothing'}{colour}")
    return [*lines, *(f"  {line}" for line in one.details)]
