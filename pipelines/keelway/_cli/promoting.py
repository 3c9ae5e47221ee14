"""Images promoted in front of the user."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
from rich.console import Console

from keelway._cli import output
from keelway._cli.env import environment, terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._secrets import asks_engine
from keelway._stage import Run
from keelway._together import each
from keelway.announcing import announced, plan_announcements
from keelway.config import load_config
from keelway.errors import PlanError
from keelway.evidence.predicates.promotion import predicate_of
from keelway.facts import gather_facts
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.promotion.spec import PromotionOrder, plan_promote
from keelway.report.terminal import open_terminal
from keelway.session import open_session
from keelway.stages.promote import promote
from keelway.verification.configured import configured_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagger

    from keelway.announcing import Announcements
    from keelway.config import Config
    from keelway.model.engine_choice import EngineChoice
    from keelway.model.events import Observer
    from keelway.model.image import Digest
    from keelway.model.progress_form import ProgressForm
    from keelway.model.promotion import Promotion, PromotionRecord, TagChange
    from keelway.promotion.spec import PromoteSpec

PROMOTION_SCHEMA = "keelway.promotion/1"
_SHOWN_DIGEST = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of it."""

    release: tuple[str, ...]
    """One version of all images, or images by tag or digest."""
    environment: str
    allow_older: str | None
    dry_run: bool


def show_promotion(
    asked: Asked,
    config: Path | None,
    engine: EngineChoice,
    progress: ProgressForm,
    *,
    as_json: bool,
) -> None:
    """Promote images and print what came of it.

    Raises:
        GateError: It may not go there.
        KeelwayError: It could not be looked at, or not everything was done.
    """
    plan = _plan(asked, config)
    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        results = run_until_stopped(partial(_promote, plan, engine, observer))
    if as_json:
        output.result(json.dumps(promotions_data(results), indent=2))
    else:
        output.result("\n".join(promotion_text(result) for result in results))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    specs: tuple[PromoteSpec, ...]
    announcements: Announcements

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return where secrets are read, those of whoever signs aside."""
        logins = (one.login for one in self.specs[0].registries)
        passwords = (login.password for login in logins if login is not None)
        return (*(one for one in passwords if one), *self.announcements.secrets)


def _plan(asked: Asked, config: Path | None) -> _Plan:
    environ = environment()
    loaded = load_config(Path.cwd(), config)
    facts = gather_facts(loaded, environ, {"cosign"}, compose=False)
    verify = configured_spec(loaded.config, facts)
    orders = [
        PromotionOrder(
            image=image,
            environment=asked.environment,
            actor=facts.actor,
            allow_older=asked.allow_older,
            dry_run=asked.dry_run,
        )
        for image in promoted_images(asked.release, loaded.config)
    ]
    return _Plan(
        specs=tuple(plan_promote(loaded.config, facts, order, verify) for order in orders),
        announcements=plan_announcements(loaded.config, facts),
    )


def promoted_images(release: Sequence[str], config: Config) -> tuple[str, ...]:
    """Return the images that the command line names.

    Args:
        release: One version of all images, or images by tag or digest.
        config: Says which images there are, and where they are published.

    Raises:
        PlanError: It is a version, and nobody knows where its images are.
    """
    first, *others = release
    if others or set(first) & set("/:@") or first in config.images:
        return tuple(dict.fromkeys(release))
    if not config.registries:
        raise PlanError(
            "no registry is configured, so a version alone does not say where its images are",
            next_step="name the images themselves: registry/repository:tag",
        )
    return tuple(f"{name}:{first}" for name in config.images)


async def _promote(plan: _Plan, engine: EngineChoice, observer: Observer) -> tuple[Promotion, ...]:
    async with AsyncExitStack() as stack:
        signing = _Signing(engine=engine, observer=observer, stack=stack)
        run, specs = Run(cast("dagger.Client", None), observer), plan.specs
        if any(map(asks_engine, plan.secrets)):
            run = await signing.run()
        if specs[0].order.dry_run:
            return await _each(run, specs, signing)
        async with announced(run, plan.announcements, _started(run, specs)) as ended:
            results = await _all_or_none(run, specs, signing)
            entries = [result.record.entry for result in results]
            images = {name: image for one in entries for name, image in one.images.items()}
            ended.append(replace(entries[0], at=run.clock.now(), images=images))
            return results


@dataclass(slots=True, kw_only=True)
class _Signing:
    """The engine that signs, started once there is something to sign."""

    engine: EngineChoice
    observer: Observer
    stack: AsyncExitStack
    """Ends it."""
    opening: anyio.Lock = field(default_factory=anyio.Lock)
    opened: Run | None = None

    async def run(self) -> Run:
        """Return the run that signs, the same for all images.

        Raises:
            SessionError: No engine could be started.
        """
        async with self.opening:
            if self.opened is None:
                session = open_session(self.engine, self.observer)
                client = (await self.stack.enter_async_context(session)).client
                self.opened = Run(client, self.observer)
        return self.opened


async def _all_or_none(
    run: Run, specs: Sequence[PromoteSpec], signing: _Signing
) -> tuple[Promotion, ...]:
    """Promote each image, once it is known that all of them may go."""
    if len(specs) > 1:
        looking = [replace(spec, order=replace(spec.order, dry_run=True)) for spec in specs]
        looked = await _each(run, looking, signing)
        if not any(one.changed for one in looked):
            return tuple(replace(one, dry_run=False) for one in looked)
    return await _each(run, specs, signing)


async def _each(run: Run, specs: Sequence[PromoteSpec], signing: _Signing) -> tuple[Promotion, ...]:
    async def one(spec: PromoteSpec) -> Promotion:
        return await promote(run, spec, signing=signing.run)

    return await each(one, specs)


def _started(run: Run, specs: Sequence[PromoteSpec]) -> HistoryEntry:
    first = specs[0]
    return HistoryEntry(
        at=run.clock.now(),
        event=DeliveryEvent.PROMOTE,
        outcome=DeliveryOutcome.STARTED,
        project=first.project,
        environment=first.environment.name,
        version=first.source.tag or str(first.source),
        images={},
        actor=first.order.actor,
        reason=first.order.allow_older,
    )


def promotions_data(results: Sequence[Promotion]) -> dict[str, Any]:
    """Return what came of it, for programs: of one image itself, of several under `promoted`."""
    if len(results) == 1:
        return promotion_data(results[0])
    return {"schema": PROMOTION_SCHEMA, "promoted": [promotion_data(one) for one in results]}


def promotion_data(result: Promotion) -> dict[str, Any]:
    """Return what came of it, for programs."""
    return {
        "schema": PROMOTION_SCHEMA,
        "image": result.image,
        "digest": result.digest,
        "environment": result.record.entry.environment,
        "dry_run": result.dry_run,
        "changed": result.changed,
        "record": {**predicate_of(result.record), "signed": result.record.signed},
        "repositories": [
            {
                "repository": one.repository,
                "copied": one.copied,
                "recorded": one.recorded,
                "tags": [
                    {"tag": tag.tag, "before": tag.before, "held": tag.held} for tag in one.tags
                ],
            }
            for one in result.repositories
        ],
        "notes": list(result.notes),
    }


def promotion_text(result: Promotion) -> str:
    """Return what came of it, for people."""
    entry = result.record.entry
    begin = "would go to" if result.dry_run else "is in"
    rest = "" if result.changed else ", as before: nothing to do"
    lines = [f"{result.image} ({result.digest}) {begin} {entry.environment}{rest}"]
    for one in result.repositories:
        lines.append(f"  {one.repository}")
        if one.copied:
            lines.append("    copied with its evidence")
        lines += [f"    {_tag_line(tag, result.digest)}" for tag in one.tags]
    if result.record.approvals is not None:
        lines.append(f"  approvals: {result.record.approvals}")
    lines.append(f"  record: {record_line(result.record)}")
    lines += [f"  note: {note}" for note in result.notes]
    return "\n".join(lines)


def _tag_line(tag: TagChange, digest: Digest) -> str:
    if tag.held is not None:
        return f"{tag.tag}  stays where it is: {tag.held}"
    if tag.before == digest:
        return f"{tag.tag}  unchanged"
    before = "new" if tag.before is None else f"was {tag.before[:_SHOWN_DIGEST]}"
    return f"{tag.tag}  {before}"


def record_line(record: PromotionRecord) -> str:
    """Return a record on one line."""
    entry = record.entry
    run = "" if entry.actor.run_url is None else f" ({entry.actor.run_url})"
    replaced = "" if entry.replaced is None else f", replaced {entry.replaced}"
    reason = "" if entry.reason is None else f", because: {entry.reason}"
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.environment}  {entry.version}  "
        f"by {entry.actor.who} at {entry.actor.where}{run}{replaced}{reason}"
    )
