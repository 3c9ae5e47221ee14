"""Plans made and carried out, repository by repository."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from keelway.config.naming import published_name
from keelway.errors import PlanError, RegistryError
from keelway.model.retention import RepositoryPlan, RetentionPlan, RetentionResult
from keelway.registry.client import open_repository
from keelway.registry.logins import Login
from keelway.retention.applying import Applying
from keelway.retention.deciding import Protected, Rule, decide
from keelway.retention.removing import open_remover
from keelway.retention.taking import Taking
from keelway.tags.selecting import compile_selector
from keelway.tags.template import calls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from datetime import datetime

    from keelway._stage import Clock
    from keelway.config import Config
    from keelway.model.image import Digest
    from keelway.model.retention import Deleted

FindLogin = Callable[[str], Awaitable[Login | None]]

_STAGE = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSpec:
    """What is kept in which repositories."""

    repositories: Mapping[str, tuple[Rule, ...]]
    """The rules by repository, `host[:port]/path`."""
    protected: Protected = field(default_factory=Protected)
    """What stays whatever the rules say."""
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    """Images by tag that stay, `repository:tag`, with the reasons."""
    grace: timedelta = timedelta(hours=2)
    """How old what has no tag must be before it goes."""


def plan_retention(
    config: Config,
    *,
    images: Sequence[str] = (),
    protected: Protected,
    references: Mapping[str, str] | None = None,
) -> RetentionSpec:
    """Return what is kept in the repositories of the configuration.

    Args:
        config: What was written.
        images: Only these images; all when empty.
        protected: What stays whatever the rules say.
        references: Images by tag that stay.

    Raises:
        PlanError: There is no rule, no registry, or no such image.
    """
    if not config.retention.rules:
        raise PlanError(
            "there are no rules of what is kept",
            next_step='add [[retention.rules]] with tags = ["..."] and keep_last or keep_days',
        )
    if not config.registries:
        raise PlanError("no registry is configured", next_step="add [[registries]] with its url")
    unknown = [name for name in images if name not in config.images]
    if unknown:
        raise PlanError(
            f"no such image: {unknown[0]}", next_step=f"there are {', '.join(config.images)}"
        )
    sharing: dict[str, dict[str, str]] = {}
    for image in config.images:
        published = published_name(config, image)
        sharing.setdefault(published.repository, {})[image] = published.suffix
    wanted = [published_name(config, image).repository for image in images or config.images]
    return RetentionSpec(
        repositories={
            f"{registry.url.rstrip('/')}/{repository}": _rules(config, sharing[repository], images)
            for repository in wanted
            for registry in config.registries
        },
        protected=replace(
            protected,
            tags=_with_ends(config, protected.tags),
            rollbacks=config.retention.keep_rollbacks,
        ),
        references=references or {},
        grace=timedelta(hours=config.retention.grace_hours),
    )


async def make_plan(spec: RetentionSpec, find_login: FindLogin, clock: Clock) -> RetentionPlan:
    """Return what stays and what goes by what the registries have now.

    Args:
        spec: What is kept.
        find_login: Tells whom to log in as.
        clock: By what ages are counted.

    Raises:
        PlanError: A login cannot be read.
        RegistryError: A registry refuses, or gives what cannot be read.
    """
    now = clock.now()
    plans: list[RepositoryPlan] = []
    for name, rules in spec.repositories.items():
        login = await find_login(name)
        async with (
            open_repository(name, login=login, stage=_STAGE) as repository,
            open_remover(name, login) as remover,
        ):
            pushed, notes = await _pushed(remover.pushed)
            taking = Taking(repository, login, pushed=pushed)
            inventory = await taking.look(pushed)
        tags = {**spec.protected.tags, **_tags_of(name, spec.references)}
        protected = replace(spec.protected, tags=tags)
        plan = decide(inventory, rules, protected, now=now, grace=spec.grace)
        plans.append(replace(plan, notes=notes))
    return RetentionPlan(made_at=now, repositories=tuple(plans))


async def apply_plan(
    plan: RetentionPlan,
    find_login: FindLogin,
    clock: Clock,
    *,
    protected: Mapping[str, str] | None = None,
) -> RetentionResult:
    """Return what was done of a plan, of which nothing is done when it does not hold any more.

    Args:
        plan: The plan.
        find_login: Tells whom to log in as.
        clock: The time.
        protected: Digests that must stay by what is known now, with the reasons.

    Raises:
        PlanError: Something of the plan is needed by now; or a login cannot be read.
        RegistryError: A registry cannot be looked at.
    """
    began = clock.now()
    changed: list[str] = []
    done: list[Deleted] = []
    async with AsyncExitStack() as stack:
        parts = [
            await stack.enter_async_context(_applying(one, find_login, protected or {}))
            for one in plan.repositories
        ]
        for part in parts:
            changed += await part.changes()
        if changed:
            raise PlanError(
                f"the plan does not hold any more, and nothing was deleted: {changed[0]}",
                why="; ".join(changed[1:4]) or None,
                next_step="make a new plan: keelway retention plan --out FILE",
            )
        for part in parts:
            done += await part.apply()
    return RetentionResult(began_at=began, ended_at=clock.now(), done=tuple(done))


@asynccontextmanager
async def _applying(
    plan: RepositoryPlan, find_login: FindLogin, protected: Mapping[str, str]
) -> AsyncGenerator[Applying]:
    login = await find_login(plan.repository)
    async with (
        open_repository(plan.repository, login=login, stage=_STAGE) as repository,
        open_remover(plan.repository, login) as remover,
    ):
        taking = Taking(repository, login, with_records=False)
        yield Applying(plan=plan, taking=taking, remover=remover, protected=protected)


async def _pushed(
    ask: Callable[[], Awaitable[Mapping[Digest, datetime]]],
) -> tuple[Mapping[Digest, datetime], tuple[str, ...]]:
    """Return what a provider lists beyond tags; that it does not is no reason to stop."""
    try:
        found = await ask()
    except RegistryError as error:
        return {}, (f"ages are counted from when images were made: {error.message}",)
    if found:
        return found, ()
    return {}, ("the registry lists no manifests without a tag: its own clean-up takes those",)


def _with_ends(config: Config, tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as they are, and as images have them whose tags have an end of their own."""
    names = [published_name(config, image) for image in config.images]
    return {**tags, **{one.tag(tag): why for one in names for tag, why in tags.items()}}


def _rules(config: Config, here: Mapping[str, str], asked: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules for a repository: those that are about any of its images.

    Args:
        config: What was written.
        here: The images in the repository, with the ends of their tags.
        asked: Only these images; all when empty.
    """
    found: list[Rule] = []
    for rule in config.retention.rules:
        about = [
            image for image in here if image in (rule.images or here) and image in (asked or here)
        ]
        if not about:
            continue
        patterns, name = rule.tags, ", ".join(rule.tags)
        if rule.environment is not None:
            tags = config.environments[rule.environment].tags
            patterns, name = _patterns(tags, ends=here), f"the tags of {rule.environment}"
        found.append(
            Rule(
                name=name,
                selectors=tuple(compile_selector(pattern) for pattern in patterns),
                keep=rule.keep,
                keep_last=rule.keep_last,
                keep_days=rule.keep_days,
                sharing=here if len(here) > 1 else {},
                images=frozenset(about) if len(about) < len(here) else frozenset(),
            )
        )
    return tuple(found)


def _patterns(rules: Sequence[str], ends: Mapping[str, str]) -> tuple[str, ...]:
    """Return patterns of the tags that an environment's rules may give, as far as they tell.

    >>> _patterns(["staging", "staging-{{sha}}", "type=semver,pattern={{version}}"], {"shop": ""})
    ('staging', 'staging-*')
    >>> _patterns(["staging"], {"shop": "", "tools": "-debug"})
    ('staging', 'staging-debug')
    """
    plain = [rule for rule in rules if "=" not in rule.partition("{{")[0]]
    return tuple(f"{_starred(rule)}{end}" for rule in plain for end in ends.values())


def _starred(rule: str) -> str:
    for call in calls(rule):
        rule = rule.replace(f"{{{{{call.text}}}}}", "*")
    return rule


def _tags_of(repository: str, references: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that are asked for in a repository."""
    return {
        reference.removeprefix(f"{repository}:"): why
        for reference, why in references.items()
        if reference.startswith(f"{repository}:")
    }
