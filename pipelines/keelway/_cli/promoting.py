"""An image promoted in front of the user."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from keelway._cli import output
from keelway._cli.env import environment, terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._stage import Run
from keelway.announcing import announced, plan_announcements
from keelway.config import load_config
from keelway.evidence.predicates.promotion import predicate_of
from keelway.facts import gather_facts
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.promotion.spec import PromotionOrder, plan_promote
from keelway.report.terminal import open_terminal
from keelway.session import open_session
from keelway.stages.promote import promote
from keelway.verification.configured import configured_spec

if TYPE_CHECKING:
    from keelway.announcing import Announcements
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

    image: str
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
    """Promote an image and print what came of it.

    Raises:
        GateError: It may not go there.
        KeelwayError: It could not be looked at, or not everything was done.
    """
    plan = _plan(asked, config)
    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        result = run_until_stopped(partial(_promote, plan, engine, observer))
    text = json.dumps(promotion_data(result), indent=2) if as_json else promotion_text(result)
    output.result(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    spec: PromoteSpec
    announcements: Announcements


def _plan(asked: Asked, config: Path | None) -> _Plan:
    environ = environment()
    loaded = load_config(Path.cwd(), config)
    facts = gather_facts(loaded, environ, {"cosign"}, compose=False)
    order = PromotionOrder(
        image=asked.image,
        environment=asked.environment,
        actor=facts.actor,
        allow_older=asked.allow_older,
        dry_run=asked.dry_run,
    )
    spec = plan_promote(loaded.config, facts, order, configured_spec(loaded.config, facts))
    return _Plan(spec=spec, announcements=plan_announcements(loaded.config, facts))


async def _promote(plan: _Plan, engine: EngineChoice, observer: Observer) -> Promotion:
    async with open_session(engine, observer) as session:
        run, spec = Run(session.client, observer), plan.spec
        if spec.order.dry_run:
            return await promote(run, spec)
        async with announced(run, plan.announcements, _started(run, spec)) as ended:
            result = await promote(run, spec)
            ended.append(replace(result.record.entry, at=run.clock.now()))
            return result


def _started(run: Run, spec: PromoteSpec) -> HistoryEntry:
    return HistoryEntry(
        at=run.clock.now(),
        event=DeliveryEvent.PROMOTE,
        outcome=DeliveryOutcome.STARTED,
        project=spec.project,
        environment=spec.environment.name,
        version=spec.source.tag or str(spec.source),
        images={},
        actor=spec.order.actor,
        reason=spec.order.allow_older,
    )


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
