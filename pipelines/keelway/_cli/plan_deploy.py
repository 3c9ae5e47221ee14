"""The deploy targets of a plan, as data and as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway._targets import TargetSpec
    from keelway.planning import Plan


def deploy_part(plan: Plan) -> list[dict[str, Any]]:
    """Return the targets that the release is deployed to."""
    deliver = plan.deliver
    if isinstance(deliver, Skipped) or deliver.deploy is None:
        return []
    deploy = deliver.deploy
    if isinstance(deploy, Skipped):
        return []
    return [_target(one, verified=one.target not in deploy.unverified) for one in deploy.targets]


def _target(target: TargetSpec, *, verified: bool) -> dict[str, Any]:
    from keelway._targets import HostsTarget  # noqa: PLC0415 - most plans have no target

    data: dict[str, Any] = {
        "target": target.target,
        "environment": target.environment,
        "verified": verified,
    }
    if isinstance(target, HostsTarget):
        data["strategy"] = target.compose.config.strategy
        data["hosts"] = [str(place.address) for place in target.hosts.places]
    return data


def deploy_lines(targets: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield a row for each target."""
    for one in targets:
        place = ", ".join(one.get("hosts", ())) or "by what is written there"
        how = f", {one['strategy']}" if "strategy" in one else ""
        asked = "" if one["verified"] else ", whether it verifies or not"
        yield one["target"], f"{place} ({one['environment']}{how}{asked})"
