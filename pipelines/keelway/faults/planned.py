"""The experiments that the configuration asks for, with the services that each of them needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway._registries import plan_registries
from keelway.config.explain import dotted, nearest
from keelway.config.fault_checks import DEGRADED_STATUS, DURATION_S
from keelway.errors import ConfigError, ConfigProblem
from keelway.faults.spec import FaultSpec
from keelway.stack.objections import check_project
from keelway.stack.planned import plan_beside, shown_notices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.compose.project import Project
    from keelway.config import Config
    from keelway.config.faults import FaultConfig
    from keelway.facts import Facts
    from keelway.model.tool import ToolSource
    from keelway.stack.spec import StackSpec

_KEYS = ("integration", "faults")


def plan_faults(
    config: Config, project: Project, facts: Facts, busybox: ToolSource
) -> tuple[FaultSpec, ...]:
    """Return the experiments.

    Args:
        config: What was written.
        project: The compose project.
        facts: What is true here.
        busybox: What starts the services, and carries the experiment out.

    Raises:
        ConfigError: A service is not there, or not one that the probed service depends on, or
            cannot be run as it is written.
        PlanError: The mapping of images names a service or an image that there is none of.
    """
    written = config.integration.faults
    problems = [
        problem
        for index, fault in enumerate(written)
        for problem in _problems(index, fault, project, facts)
    ]
    if problems:
        raise ConfigError(problems)
    registries = plan_registries(config, facts)
    made: list[FaultSpec] = []
    for fault in written:
        beside = plan_beside(fault.target, project, config, registries)
        notices = check_project(project, beside.chosen().values())
        beside = replace(beside, busybox=busybox)
        made.append(_plan_fault(fault, beside, shown_notices(notices, facts)))
    return tuple(made)


def _plan_fault(fault: FaultConfig, beside: StackSpec, notes: tuple[str, ...]) -> FaultSpec:
    duration_s = 0.0 if fault.fault == "restart" else fault.duration_s or DURATION_S
    return FaultSpec(
        name=fault.name,
        service=fault.service,
        fault=fault.fault,
        probe=fault.probe,
        expect=fault.expect,
        beside=beside,
        duration_s=duration_s,
        latency_s=(fault.latency_ms or 0) / 1000,
        ports=fault.ports,
        status=fault.status,
        degraded_status=fault.degraded_status or DEGRADED_STATUS,
        unaffected=fault.unaffected,
        probe_timeout_s=fault.probe_timeout_s,
        recovers_within_s=fault.recovers_within_s,
        notes=notes,
        reuse=fault.reuse,
    )


def _problems(
    index: int, fault: FaultConfig, project: Project, facts: Facts
) -> Iterator[ConfigProblem]:
    """Yield what is wrong between an experiment and the compose file."""

    def problem(key: str, text: str, near: str | None = None) -> ConfigProblem:
        path = (*_KEYS, index, key)
        if facts.place is not None:
            return facts.place.problem(path, text, near)
        return ConfigProblem(
            file="keelway.toml", line=None, key=dotted(path), text=text, suggestion=near
        )

    unknown = False
    for key, name in (("probe", fault.target), ("service", fault.service)):
        if name in project.services:
            continue
        unknown = True
        if name in project.disabled:
            text = f"no profile switches the service {name!r} on: see integration.profiles"
            yield problem(key, text)
        else:
            known = ", ".join(project.services)
            text = f"the compose file has no service {name!r}. Known: {known}"
            yield problem(key, text, nearest(name, project.services))
    if unknown or fault.service == fault.target:
        return
    needed = needed_by(fault.target, project)
    if fault.service not in needed:
        needs = f"it depends on {', '.join(needed)}" if needed else "it depends on nothing"
        text = f"{fault.target}, which is probed, does not depend on {fault.service}: {needs}"
        yield problem("service", text)


def needed_by(name: str, project: Project) -> tuple[str, ...]:
    """Return all that a service depends on, directly or not, in the order of the compose file."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for one in project.services[waiting.pop()].depends_on:
            if one in project.services and one not in found:
                found.add(one)
                waiting.append(one)
    return tuple(one for one in project.services if one in found)
