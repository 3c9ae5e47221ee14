"""What a promotion is to do, fully decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._registries import plan_registries
from keelway.config.explain import nearest
from keelway.errors import PlanError
from keelway.evidence.planned import plan_layouts, plan_signer
from keelway.model.evidence import Layout
from keelway.promotion.source import find_source
from keelway.tags.reference import parse_reference

if TYPE_CHECKING:
    from keelway.config import Config, DemandsConfig
    from keelway.facts import Facts
    from keelway.model.history import Actor
    from keelway.model.registry import PublishedName, RegistrySpec
    from keelway.model.signer import SignerSpec
    from keelway.promotion.source import Source
    from keelway.tags.reference import ImageReference
    from keelway.verification.checks import Demands
    from keelway.verification.verify import VerifySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionOrder:
    """What somebody asks for."""

    image: str
    """By tag or digest; the name of a configured image stands for its first repository."""
    environment: str
    """A name under `[environments]`."""
    actor: Actor
    """Who asks."""
    allow_older: str | None = None
    """Why an older version may take the place of a newer one; nothing where it may not."""
    dry_run: bool = False
    """Whether to look only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """An environment, as far as tags go."""

    name: str
    tags: tuple[str, ...]
    """Rules, as in `tags.rules`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteSpec:
    """What is promoted where, and what it must show before."""

    order: PromotionOrder
    """What was asked for."""
    source: ImageReference
    """Where it is now."""
    image: str
    """What the project calls it."""
    published: PublishedName
    """What it is called in any registry: its tags may have an end of their own."""
    repositories: tuple[str, ...]
    """Where its tags are written, `host[:port]/path`."""
    environment: EnvironmentSpec
    """Where it goes."""
    after: EnvironmentSpec | None
    """Where it must have been."""
    verify: VerifySpec
    """Whom to trust, and what is asked, the environment's own demands included."""
    signer: SignerSpec | None
    """Who signs the record; nobody where `[sign]` is not enabled."""
    layouts: tuple[Layout, ...] = (Layout.REFERRER,)
    """How the record is kept."""
    project: str = ""
    """The project's name."""
    approvals: str | None = None
    """Who has to agree, in words."""
    registries: tuple[RegistrySpec, ...] = ()
    """Whose logins are used, before those of the machine."""
    login_files: tuple[str, ...] = ()
    """Docker's configurations of this machine; the first that exists counts."""
    sha_length: int = 7
    """How many digits of the commit a short one has."""


def plan_promote(
    config: Config, facts: Facts, order: PromotionOrder, verify: VerifySpec
) -> PromoteSpec:
    """Return what a promotion is to do.

    Args:
        config: What was written.
        facts: What is true here.
        order: What is asked for.
        verify: Whom to trust and what is asked of any image.

    Raises:
        PlanError: There is no such environment, the image's name is none, a secret is missing, or
            nothing may be delivered here.
    """
    if facts.untrusted is not None:
        raise PlanError(
            f"nothing is promoted here: {facts.untrusted}",
            next_step="promote where the branch itself is built",
        )
    wanted = config.environments.get(order.environment)
    if wanted is None:
        raise _no_environment(config, order.environment)
    found = find_source(config, order.image)
    source = found.reference
    return PromoteSpec(
        order=order,
        source=source,
        image=found.image,
        published=found.published,
        repositories=_targets(config, wanted.registries, found),
        environment=EnvironmentSpec(name=order.environment, tags=wanted.tags),
        after=None
        if wanted.after is None
        else EnvironmentSpec(name=wanted.after, tags=config.environments[wanted.after].tags),
        verify=replace(verify, demands=demands_of(verify.demands, wanted.demands)),
        signer=plan_signer(config, facts) if config.sign.enabled else None,
        layouts=plan_layouts(config) if config.sign.enabled else (Layout.REFERRER,),
        project=config.project.name,
        approvals=wanted.approvals,
        registries=plan_registries(config, facts),
        login_files=facts.login_files,
        sha_length=config.tags.sha_length,
    )


def demands_of(asked: Demands, more: DemandsConfig) -> Demands:
    """Return what is asked of an image anyway, and what an environment asks besides."""
    ages = [age for age in (asked.max_scan_age_days, more.max_scan_age_days) if age is not None]
    return replace(
        asked,
        builders=more.builders or asked.builders,
        sboms=tuple(dict.fromkeys((*asked.sboms, *more.sboms))),
        max_scan_age_days=min(ages, default=None),
        parameters={**asked.parameters, **more.parameters},
    )


def _targets(config: Config, prefixes: tuple[str, ...], found: Source) -> tuple[str, ...]:
    """Return the repositories that get the tags, the source's own first if it is one of them."""
    source = found.reference
    known = [registry.url.rstrip("/") for registry in config.registries]
    inside = [prefix for prefix in known if f"{source.repository}/".startswith(f"{prefix}/")]
    name = found.published.repository
    if inside:
        name = source.repository.removeprefix(f"{max(inside, key=len)}/")
    wanted = [prefix.rstrip("/") for prefix in prefixes] or (known if inside else [])
    places = [parse_reference(f"{prefix}/{name}").repository for prefix in wanted]
    places = places or [source.repository]
    return tuple(sorted(dict.fromkeys(places), key=lambda one: one != source.repository))


def _no_environment(config: Config, name: str) -> PlanError:
    if not config.environments:
        return PlanError(
            "no environment is configured",
            next_step=f'add [environments.{name}] with tags = ["{name}"] to keelway.toml',
        )
    near = nearest(name, config.environments)
    hint = f". Did you mean '{near}'?" if near else ""
    return PlanError(
        f"no such environment: {name}{hint}",
        next_step=f"there are {', '.join(config.environments)}",
    )
