"""What is asked of images, decided by the configuration and what is true here. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from keelway._cage import plan_tool
from keelway._tools.busybox import BUSYBOX
from keelway._tools.hadolint import HADOLINT
from keelway.errors import PlanError
from keelway.model.outcome import Skipped
from keelway.policy.budget import Budget
from keelway.policy.rules import RULES
from keelway.policy.spec import DockerfileSpec, PolicySpec
from keelway.policy.starting import StartSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._tools.tool import Tool
    from keelway.config import Config, ToolConfig
    from keelway.config.policy import PolicyConfig
    from keelway.facts import Facts
    from keelway.model.tool import ToolSource


def plan_policy(config: Config, facts: Facts) -> PolicySpec | Skipped:
    """Return what is asked of images, or why nothing is.

    Raises:
        PlanError: A rule or an image is named that there is none of.
    """
    policy = config.policy
    if not policy.enabled:
        return Skipped("policy.enabled is false")
    _check_names("policy.images", policy.images, config.images)
    for rules in (policy.rules, *(image.rules for image in policy.images.values())):
        _check_names("policy.rules", rules, RULES)
    return PolicySpec(
        dockerfiles={
            name: DockerfileSpec(
                path=str(facts.resolve(image.dockerfile_path)),
                shown=image.dockerfile_path,
                build_args={
                    **image.build_args,
                    **{
                        argument: facts.pins[base].reference
                        for argument, base in image.bases.items()
                        if base in facts.pins
                    },
                },
                target=image.target or "",
            )
            for name, image in config.images.items()
        },
        levels=policy.rules,
        image_levels={name: image.rules for name, image in policy.images.items()},
        starts={name: _plan_start(policy, name) for name in config.images},
        budgets={name: _plan_budget(policy, name) for name in config.images},
        busybox=_plan_optional(BUSYBOX, config.tools.busybox, facts),
        hadolint=_plan_optional(HADOLINT, config.tools.hadolint, facts),
        directory=str(facts.resolve(config.report.directory)),
    )


def _plan_optional(tool: Tool, config: ToolConfig, facts: Facts) -> ToolSource | Skipped:
    try:
        return plan_tool(tool, config, facts)
    except PlanError as error:
        return Skipped(f"{error.message}: {error.next_step}")


def _plan_start(policy: PolicyConfig, image: str) -> StartSpec:
    if image not in policy.images:
        return StartSpec()
    start = policy.images[image].start
    return StartSpec(
        enabled=start.enabled,
        emulated=start.emulated,
        tmpfs=start.tmpfs,
        environment=start.environment,
        arguments=start.arguments,
        healthcheck=start.healthcheck,
        timeout_s=start.timeout_s,
        stop_grace_s=start.stop_grace_s,
        notice_s=start.notice_s,
    )


def _plan_budget(policy: PolicyConfig, image: str) -> Budget:
    """Return the image's own budget, and what it does not say from the one for all."""
    every = policy.budget
    own = policy.images[image].budget if image in policy.images else every
    return Budget(
        size=own.size or every.size,
        layer=own.layer or every.layer,
        wasted=own.wasted or every.wasted,
        layers=own.layers or every.layers,
        growth=own.growth or every.growth,
    )


def _check_names(key: str, named: Mapping[str, object], known: Mapping[str, object]) -> None:
    for name in named:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise PlanError(
                f"{key}: there is no {name!r}", next_step=f"{meant}known: {', '.join(known)}"
            )
