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
from keelway.model.outcome import Skipped
from keelway.model.platform import file_name, parse_platform
from keelway.planning import plan_release
from keelway.proof.merging import JUDGED, TOGETHER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.platform import Platform
    from keelway.planning import Part, Plan

EPOCH = "SOURCE_DATE_EPOCH"
HERE = "local"
FOLDER = "fleet"
"""Under the report directory, with a report directory for each engine in it."""
TESTS = "tests"
_NAMED = 3
_JUDGING: tuple[Part, ...] = ("policy", "scan", "sbom")
_TESTING: tuple[Part, ...] = ("integration", "load")
_REASON = "the engines of a fleet publish nothing: what they proved is put together and published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Images for some platforms, and the engines that have them."""

    platforms: tuple[Platform, ...]
    images: tuple[str, ...]
    """By name, as in the configuration."""
    engines: tuple[EngineAddress, ...]
    """Who does it; each takes over when those before it are lost."""
    written: EngineConfig
    """What was written of them."""
    part: str = ""
    """Tells it from others for the same platforms; empty where it is the only one."""

    @property
    def key(self) -> str:
        """Name a folder for it."""
        return "_".join((*(file_name(platform) for platform in self.platforms), self.part)).strip(
            "_"
        )

    @property
    def label(self) -> str:
        """Return what people call it."""
        where = ", ".join(self.platforms)
        if not self.part:
            return where
        few = len(self.images) <= _NAMED
        return f"{where} ({', '.join(self.images) if few else f'{len(self.images)} images'})"

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
    """Who builds and judges what, side by side."""
    tests: tuple[FleetGroup, ...] = ()
    """Who tests together what several have built, afterwards."""


def assign(config: Config) -> tuple[Assignment, ...]:
    """Return which engine has which images for which platforms; nothing where one has them all.

    Platforms with the same engines go together, so that images of both are built side by side.
    Where a platform has several engines its images are shared among them, each always by the same.

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
        same = one.model_copy(update={"at": stick(config.project.name, one.at)})
        groups.setdefault(same, []).append(platform)
    return tuple(
        part for one, platforms in groups.items() for part in _shared(config, one, tuple(platforms))
    )


def _shared(
    config: Config, one: EngineConfig, platforms: tuple[Platform, ...]
) -> Iterator[Assignment]:
    """Yield who has which images of some platforms."""
    parts: dict[tuple[str, ...], list[str]] = {}
    for name, image in config.images.items():
        if any(parse_platform(text) in platforms for text in image.platforms):
            parts.setdefault(_order(config.project.name, name, one.at), []).append(name)
    for number, (engines, names) in enumerate(parts.items(), start=1):
        yield Assignment(
            platforms=platforms,
            images=tuple(names),
            engines=_parsed(engines, one),
            written=one,
            part=str(number) if len(parts) > 1 else "",
        )


def _order(project: str, image: str, engines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the engines in the order in which an image asks them.

    The first is its own, and the second who takes it over, so that those of one that is lost are
    shared by all that are left. Any further order would only make more parts.
    """
    first = stick(f"{project}/{image}", engines)[:2]
    return (*first, *(engine for engine in engines if engine not in first))


def _parsed(engines: tuple[str, ...], one: EngineConfig) -> tuple[EngineAddress, ...]:
    last = (HERE,) if one.emulate and HERE not in engines else ()
    return tuple(parse_engine(text) for text in (*engines, *last))


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
    by_platforms: dict[tuple[Platform, ...], list[Assignment]] = {}
    for one in assign(config):
        by_platforms.setdefault(one.platforms, []).append(one)
    groups: list[FleetGroup] = []
    tests: list[FleetGroup] = []
    for assigned in by_platforms.values():
        left = parts
        if len(assigned) > 1:
            judged: dict[Part, str] = {**parts, **dict.fromkeys(_JUDGING, JUDGED)}
            whole = _group(config, facts, _whole(config, assigned), judged, rerun=rerun)
            verify = whole.plan.verify
            if not isinstance(verify.integration, Skipped) or not isinstance(verify.load, Skipped):
                tests.append(whole)
                left = _tested_later(parts)
        groups += [_group(config, facts, one, left, rerun=rerun) for one in assigned]
    built = tuple(one for one in groups if one.plan.verify.build.images)
    return FleetPlan(groups=built or tuple(groups), tests=tuple(tests)) if groups else None


def _tested_later(parts: Mapping[Part, str]) -> dict[Part, str]:
    """Return what is left out where images are built that are tested with others."""
    later: dict[Part, str] = dict.fromkeys(_TESTING, TOGETHER)
    return {**later, **parts}


def _whole(config: Config, parts: Sequence[Assignment]) -> Assignment:
    """Return who tests together what several engines have built: one of them."""
    one = parts[0].written
    names = tuple(name for part in parts for name in part.images)
    return Assignment(
        platforms=parts[0].platforms,
        images=tuple(name for name in config.images if name in names),
        engines=_parsed(one.at, one),
        written=one,
        part=TESTS,
    )


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
    own = narrow(config, images=assigned.images, platforms=assigned.platforms)
    own = own.model_copy(update={"report": report})
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


def stick(name: str, engines: Sequence[str]) -> tuple[str, ...]:
    """Return the engines in the order in which an image, or a project, asks them: always the same.

    Names spread over the engines, and one that is added or lost moves no other engine's
    (D. Thaler, C. Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996).
    """

    def weight(engine: str) -> bytes:
        return hashlib.sha256(f"{name}\n{engine}".encode()).digest()

    return tuple(sorted(dict.fromkeys(engines), key=weight, reverse=True))


def _platforms(config: Config) -> tuple[Platform, ...]:
    every = (text for image in config.images.values() for text in image.platforms)
    return tuple(dict.fromkeys(parse_platform(text) for text in every))
