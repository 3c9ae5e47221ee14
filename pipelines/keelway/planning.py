"""Config + Facts -> Plan: what will be done, and why the rest will not. Pure.

Example:
    >>> from keelway.config import (
    ...     Config, ImageConfig, PolicyConfig, ProjectConfig, SbomConfig, ScanConfig
    ... )
    >>> from keelway.facts import Facts
    >>> config = Config(
    ...     project=ProjectConfig(name="shop"),
    ...     images={"orders": ImageConfig()},
    ...     policy=PolicyConfig(enabled=False),
    ...     scan=ScanConfig(enabled=False),
    ...     sbom=SbomConfig(enabled=False),
    ... )
    >>> for part in plan_release(config, Facts()).skipped():
    ...     print(f"{part.part}: {part.reason}")
    policy: policy.enabled is false
    scan: scan.enabled is false
    sbom: sbom.enabled is false
    integration: no integration test suite is configured
    load: no load test is configured: load.script and load.probe are absent
    publish: no registry is configured
    tag by type=ref,event=branch: there is no git commit
    tag by type=ref,event=tag: there is no git commit
    tag by type=sha: there is no git commit
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from keelway._narrowing import narrow
from keelway._registries import plan_mirrors
from keelway.announcing import Announcements, plan_announcements
from keelway.errors import PlanError
from keelway.facts.here import Facts
from keelway.facts.release import release_floating, release_names
from keelway.loadtest.spec import LoadSpec
from keelway.model.outcome import Skipped
from keelway.stages import load, policy, sbom, scan
from keelway.stages import sign as signing
from keelway.stages.attest import AttestSpec, plan_attest
from keelway.stages.build import BuildSpec, plan_build
from keelway.stages.gate import plan_gate
from keelway.stages.integration import IntegrationSpec, plan_integration
from keelway.stages.load import plan_load
from keelway.stages.policy import plan_policy
from keelway.stages.publish import PublishSpec, plan_publish
from keelway.stages.sbom import SbomSpec, plan_sbom
from keelway.stages.scan import ScanSpec, plan_scan
from keelway.stages.sign import SignSpec, plan_sign
from keelway.tags.moving import hold_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway._targets import DeploySpec
    from keelway.config import Config
    from keelway.gating.rule import GateSpec
    from keelway.model.changes import Changes
    from keelway.model.history import Actor
    from keelway.policy.spec import PolicySpec
    from keelway.tags.moving import Held
    from keelway.tags.naming import Names

Part = Literal[
    "policy", "scan", "sbom", "integration", "suites", "load", "publish", "sign", "attest", "deploy"
]
"""A part of the flow that can be left out. Without `suites`, integration only injects faults."""

TOOLS = (
    *policy.TOOLS, *scan.TOOLS, *scan.SECOND_TOOLS, *sbom.TOOLS, *load.TOOLS, *signing.TOOLS,
)  # fmt: skip
"""The external programs that the stages need: what facts look for, and `keelway doctor` lists."""


def known_programs() -> frozenset[str]:
    """Return the names of the programs that stages may need: what `gather_facts` looks for."""
    return frozenset(tool.name for tool in TOOLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPlan:
    """What is built and judged; nothing of it is seen outside."""

    build: BuildSpec
    """The images."""
    policy: PolicySpec | Skipped
    """The rules, or why none are held against them."""
    scan: ScanSpec | Skipped
    """Who looks for what, or why nobody does."""
    sbom: SbomSpec | Skipped
    """Which lists are made, or why none are."""
    integration: IntegrationSpec | Skipped
    """The tests, or why there are none."""
    load: LoadSpec | Skipped
    """The load test, or why there is none."""
    gate: GateSpec
    """What is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverPlan:
    """What leaves the house once the gate has said yes."""

    publish: PublishSpec
    """Where images go, under which tags."""
    sign: SignSpec | Skipped
    """Who signs them, or why nobody does."""
    attest: AttestSpec | Skipped
    """What is stated about them, or why nothing is."""
    deploy: DeploySpec | Skipped | None = None
    """Where they are deployed, or why they are not; nothing where there is no target at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedPart:
    """A part of the work that is not done, and why."""

    part: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a release will do, decided."""

    project: str
    """The project's name."""
    names: Names
    """The tags, and the rules that gave none."""
    verify: VerifyPlan
    """What is built and judged."""
    deliver: DeliverPlan | Skipped
    """What leaves the house, or why nothing does."""
    changes: Changes | None = None
    """Which images are built, and why, where only those are that changed."""
    held: tuple[Held, ...] = ()
    """Tags of the release that must not move to it, whatever the registry has."""
    withheld: str | None = None
    """Why no secret is read; nothing when all are."""
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Where images are pulled from when their own registry does not answer, by its prefix."""
    announcements: Announcements = field(default_factory=Announcements)
    """Who is told of the release, and which commands are run around it."""
    actor: Actor = field(default_factory=lambda: Facts().actor)
    """Who does it."""

    def skipped(self) -> tuple[SkippedPart, ...]:
        """Return every part that is not done, with its reason, in the order of the flow."""
        return tuple(_skipped(self))


def plan_release(
    config: Config,
    facts: Facts,
    *,
    without: Mapping[Part, str] | None = None,
    rerun: bool = False,
) -> Plan:
    """Return what a release will do.

    Args:
        config: What was written.
        facts: What is true here.
        without: Parts to leave out whatever the configuration says, each with the reason.
        rerun: Whether tests run whatever they said before.

    Raises:
        PlanError: When the configuration asks for what cannot be done here: a base image that is
            not pinned, a secret that is not set, a tool that is not installed.
    """
    left_out: dict[Part, Skipped] = {
        part: Skipped(reason) for part, reason in (without or {}).items()
    }
    names = release_names(config, facts)
    narrowed = narrow(
        plan_build(config, facts),
        left_out.get("integration") or _plan_integration(config, facts, left_out),
        left_out.get("load") or plan_load(config, facts),
        facts.changes,
    )
    if narrowed.nothing is not None:
        nothing: dict[Part, Skipped] = {part: Skipped(narrowed.nothing) for part in get_args(Part)}
        left_out = nothing | left_out
    return Plan(
        project=config.project.name,
        names=names,
        changes=narrowed.changes,
        held=hold_back(release_floating(config, facts, names), ()),
        withheld=facts.untrusted,
        mirrors=plan_mirrors(config),
        announcements=plan_announcements(config, facts),
        actor=facts.actor,
        verify=VerifyPlan(
            build=narrowed.build,
            policy=left_out.get("policy") or plan_policy(config, facts),
            scan=left_out.get("scan") or plan_scan(config, facts),
            sbom=left_out.get("sbom") or plan_sbom(config, facts),
            integration=left_out.get("integration") or _run(narrowed.integration, rerun=rerun),
            load=left_out.get("load") or _run(narrowed.load, rerun=rerun),
            gate=plan_gate(config, facts),
        ),
        deliver=left_out.get("publish") or _plan_deliver(config, facts, left_out),
    )


T = TypeVar("T", IntegrationSpec, LoadSpec)


def _run(spec: T | Skipped, *, rerun: bool) -> T | Skipped:
    """Return tests as they are planned, or all of them anew."""
    return spec if isinstance(spec, Skipped) or not rerun else spec.rerunning()


def _plan_integration(
    config: Config, facts: Facts, left_out: Mapping[Part, Skipped]
) -> IntegrationSpec | Skipped:
    spec = plan_integration(config, facts)
    without = left_out.get("suites")
    if without is None:
        return spec
    if isinstance(spec, Skipped):
        raise PlanError(f"there is no experiment to run: {spec.reason}")
    return spec.without_suites(without.reason)


def _plan_deliver(
    config: Config, facts: Facts, left_out: Mapping[Part, Skipped]
) -> DeliverPlan | Skipped:
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    publish = plan_publish(config, facts)
    if isinstance(publish, Skipped):
        return publish
    return DeliverPlan(
        publish=publish,
        sign=left_out.get("sign") or plan_sign(config, facts),
        attest=left_out.get("attest") or plan_attest(config, facts),
        deploy=_plan_deploy(config, facts, left_out) if config.deploy else None,
    )


def _plan_deploy(
    config: Config, facts: Facts, left_out: Mapping[Part, Skipped]
) -> DeploySpec | Skipped:
    from keelway.stages.deploy import plan_deploy  # noqa: PLC0415 - most projects have no target

    return left_out.get("deploy") or plan_deploy(config, facts)


def _skipped(plan: Plan) -> Iterator[SkippedPart]:
    for image in () if plan.changes is None else plan.changes.images:
        if not image.changed:
            yield SkippedPart(part=f"image {image.image}", reason=image.reason)
    verify, deliver = plan.verify, plan.deliver
    yield from _left_out(("policy", verify.policy), ("scan", verify.scan))
    yield from _partly(verify)
    yield from _left_out(
        ("sbom", verify.sbom),
        ("integration", verify.integration),
        ("load", verify.load),
        ("publish", deliver),
    )
    if plan.withheld is not None:
        yield SkippedPart(part="secrets", reason=plan.withheld)
    if not isinstance(deliver, Skipped):
        yield from _left_out(
            ("sign", deliver.sign), ("attest", deliver.attest), ("deploy", deliver.deploy)
        )
        yield from _untold(plan.announcements)
    yield from _unnamed(plan)


def _untold(announcements: Announcements) -> Iterator[SkippedPart]:
    """Yield the channels that cannot be told: no release fails because of them."""
    notify = announcements.notify
    for channel in () if isinstance(notify, Skipped) else notify.channels:
        if channel.lacks is not None:
            yield SkippedPart(part=f"notify {channel.name}", reason=channel.lacks)


def _unnamed(plan: Plan) -> Iterator[SkippedPart]:
    """Yield the tags that there could be."""
    for held in plan.held:
        yield SkippedPart(part=f"tag {held.tag}", reason=held.reason)
    for unused in plan.names.unused:
        yield SkippedPart(part=f"tag by {unused.rule}", reason=unused.reason)


def _partly(verify: VerifyPlan) -> Iterator[SkippedPart]:
    for part, spec in (
        ("policy", verify.policy),
        ("scan", verify.scan),
        ("integration", verify.integration),
    ):
        for note in () if isinstance(spec, Skipped) else spec.notes:
            yield SkippedPart(part=f"{part}, in part", reason=note)


def _left_out(*parts: tuple[Part, object]) -> Iterator[SkippedPart]:
    for part, spec in parts:
        if isinstance(spec, Skipped):
            yield SkippedPart(part=part, reason=spec.reason)
