"""Config + Facts -> who builds and judges what. Pure.

Example:
    >>> stick("shop", ("tcp://a:1", "tcp://b:1")) == stick("shop", ("tcp://b:1", "tcp://a:1"))
    True
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._secrets import plan_secret
from keelway.config.engines import EngineConfig
from keelway.config.narrow import narrow
from keelway.deploy.target import SshSpec
from keelway.errors import PlanError
from keelway.model.engine_address import EngineAddress, parse_engine
from keelway.model.platform import file_name, parse_platform
from keelway.planning import plan_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.platform import Platform
    from keelway.planning import Part, Plan

EPOCH = "SOURCE_DATE_EPOCH"
HERE = "local"
FOLDER = "fleet"
"""Under the report directory, with a report directory for each engine in it."""
_REASON = "the engines of a fleet publish nothing: what they proved is put together and published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The platforms of one engine."""

    platforms: tuple[Platform, ...]
    engines: tuple[EngineAddress, ...]
    """Who does it; each takes over when those before it are lost."""
    written: EngineConfig
    """What was written of them."""

    @property
    def key(self) -> str:
        """Name a folder for it."""
        return "_".join(file_name(platform) for platform in self.platforms)

    @property
    def builds(self) -> int:
        """Return how many images are built at once."""
        return self.written.builds


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetGroup:
    """What one engine is asked for."""

    assigned: Assignment
    plan: Plan
    """What is built and judged there."""
    ssh: SshSpec
    """How machines behind SSH are logged in to."""
    settings: Mapping[str, str]
    """What the environment here says, for an engine on another machine."""
    directory: str
    """Its own report directory, below the release's; absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """Who does what."""

    groups: tuple[FleetGroup, ...]


def assign(config: Config) -> tuple[Assignment, ...]:
    """Return which engine has which platforms; nothing where one has them all.

    Platforms with the same engines go together, so that images of both are built side by side.

    Args:
        config: What was written.

    Raises:
        PlanError: A platform has engines that no image is built for.
    """
    if not config.engines:
        return ()
    built = _platforms(config)
    written = {parse_platform(text): one for text, one in config.engines.items()}
    for platform in written:
        if platform not in built:
            raise PlanError(
                f"engines.{platform}: no image is built for this platform",
                next_step=f"leave it out, or build for it; built are: {', '.join(built)}",
            )
    groups: dict[EngineConfig, list[Platform]] = {}
    for platform in built:
        one = written.get(platform) or EngineConfig(at=(HERE,))
        engines = stick(config.project.name, one.at)
        if one.emulate and HERE not in engines:
            engines = (*engines, HERE)
        groups.setdefault(one.model_copy(update={"at": engines}), []).append(platform)
    return tuple(
        Assignment(
            platforms=tuple(platforms),
            engines=tuple(parse_engine(text) for text in one.at),
            written=one,
        )
        for one, platforms in groups.items()
    )


def plan_fleet(
    config: Config,
    facts: Facts,
    *,
    without: Mapping[Part, str] | None = None,
    rerun: bool = False,
) -> FleetPlan | None:
    """Return what each engine builds and judges; nothing when one does it all.

    Args:
        config: What was written.
        facts: What is true here.
        without: Parts to leave out whatever the configuration says, each with the reason.
        rerun: Whether tests run although they passed before.

    Raises:
        PlanError: A platform has engines that no image is built for, or the configuration asks for
            what cannot be done here.
    """
    parts: dict[Part, str] = {**(without or {}), "publish": _REASON}
    groups = tuple(_group(config, facts, one, parts, rerun=rerun) for one in assign(config))
    return FleetPlan(groups=groups) if groups else None


def _group(
    config: Config,
    facts: Facts,
    assigned: Assignment,
    without: Mapping[Part, str],
    *,
    rerun: bool,
) -> FleetGroup:
    directory = f"{config.report.directory}/{FOLDER}/{assigned.key}"
    report = config.report.model_copy(update={"directory": directory})
    own = narrow(config, platforms=assigned.platforms).model_copy(update={"report": report})
    plan = plan_release(own, facts, without=without, rerun=rerun)
    build = replace(plan.verify.build, at_once=assigned.builds)
    return FleetGroup(
        assigned=assigned,
        plan=replace(plan, verify=replace(plan.verify, build=build)),
        ssh=_ssh(assigned, facts),
        settings={EPOCH: str(facts.epoch)} if facts.epoch_source == EPOCH else {},
        directory=str(facts.resolve(directory)),
    )


def _ssh(assigned: Assignment, facts: Facts) -> SshSpec:
    written = assigned.written
    behind = any(engine.ssh is not None for engine in assigned.engines)
    where = f"engines.{assigned.platforms[0]}"

    def secret(source: str | None, name: str) -> str | None:
        if source is None or not behind:
            return None
        return plan_secret(source, facts, what=f"{where}.{name}")

    return SshSpec(
        known_hosts=str(facts.root / Path(written.known_hosts).expanduser()),
        key=secret(written.ssh_key, "ssh_key"),
        key_password=secret(written.ssh_key_password, "ssh_key_password"),
        connect_timeout_s=written.connect_timeout_s,
    )


def stick(project: str, engines: Sequence[str]) -> tuple[str, ...]:
    """Return the engines in the order in which a project asks them: always the same.

    Projects spread over the engines, and one that is added or lost moves no other project's
    (D. Thaler, C. Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996).
    """

    def weight(engine: str) -> bytes:
        return hashlib.sha256(f"{project}\n{engine}".encode()).digest()

    return tuple(sorted(dict.fromkeys(engines), key=weight, reverse=True))


def _platforms(config: Config) -> tuple[Platform, ...]:
    every = (text for image in config.images.values() for text in image.platforms)
    return tuple(dict.fromkeys(parse_platform(text) for text in every))
