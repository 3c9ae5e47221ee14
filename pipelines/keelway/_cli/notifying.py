"""Who is told of releases: shown, and told that this is a test."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.stopping import run_until_stopped
from keelway._stage import SystemClock
from keelway.announcing import Herald
from keelway.config import load_config
from keelway.config.explain import nearest
from keelway.errors import PlanError, StageError
from keelway.facts import gather_facts
from keelway.facts.release import release_names
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.occasion import Occasion
from keelway.model.outcome import Skipped
from keelway.notify.spec import NotifySpec
from keelway.stages.notify import STAGE, plan_notify, tell

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.told import Delivery
    from keelway.notify.spec import Channel

_ANYTHING = tuple(Occasion(outcome=outcome) for outcome in DeliveryOutcome)


def show_channels(config: Path | None, name: str | None, *, as_json: bool) -> None:
    """Print who is told, when, and what is missing for it.

    Raises:
        ConfigError: The configuration is wrong.
        PlanError: There is no such channel.
    """
    loaded = load_config(Path.cwd(), config)
    spec = _wanted(
        plan_notify(loaded.config, gather_facts(loaded, environment(), compose=False)), name
    )
    if as_json:
        output.result(json.dumps([_document(one) for one in spec.channels], indent=2))
        return
    output.result("\n".join(_line(one) for one in spec.channels))


def send_test(config: Path | None, name: str | None, *, as_json: bool) -> None:
    """Send a test to each channel, whatever it wants to hear of.

    Raises:
        ConfigError: The configuration is wrong.
        PlanError: There is no such channel, or nobody is to be told here.
        StageError: One of them was not told.
    """
    loaded = load_config(Path.cwd(), config)
    facts = gather_facts(loaded, environment(), compose=False)
    spec = _wanted(plan_notify(loaded.config, facts), name)
    entry = _test_entry(loaded.config, facts)
    all_of_them = NotifySpec(
        channels=tuple(replace(one, on=_ANYTHING, environments=()) for one in spec.channels)
    )
    told = run_until_stopped(partial(tell, Herald(), all_of_them, entry))
    if as_json:
        output.result(json.dumps([asdict(one) for one in told.deliveries], indent=2))
    else:
        output.result("\n".join(_result(one) for one in told.deliveries))
    failed = [one.channel for one in told.deliveries if not one.sent]
    if failed:
        raise StageError(
            f"{len(failed)} of {len(told.deliveries)} were not told: {', '.join(failed)}",
            stage=STAGE,
            next_step="a release does not fail of it; mend what is said above, and test again",
        )


def _wanted(spec: NotifySpec | Skipped, name: str | None) -> NotifySpec:
    if isinstance(spec, Skipped):
        raise PlanError(spec.reason, next_step="add a [[notify]] to keelway.toml")
    if name is None:
        return spec
    names = [one.name for one in spec.channels]
    if name not in names:
        near = nearest(name, names)
        raise PlanError(
            f"there is no [[notify]] called {name!r}",
            next_step=f"{f'did you mean {near!r}? ' if near else ''}known: {', '.join(names)}",
        )
    return NotifySpec(channels=tuple(one for one in spec.channels if one.name == name))


def _test_entry(config: Config, facts: Facts) -> HistoryEntry:
    version = release_names(config, facts).version
    return HistoryEntry(
        at=SystemClock().now(),
        event=DeliveryEvent.DEPLOY,
        outcome=DeliveryOutcome.SUCCEEDED,
        project=config.project.name,
        environment="test-of-notifications",
        version=version or "test",
        images={},
        actor=facts.actor,
        reason="This is a test by `keelway notify --test`: nothing was deployed.",
    )


def _document(channel: Channel) -> dict[str, object]:
    return {
        "name": channel.name,
        "kind": None if channel.lacks else channel.where.kind,
        "on": [_occasion(one) for one in channel.on],
        "environments": list(channel.environments),
        "lacks": channel.lacks,
    }


def _occasion(one: Occasion) -> str:
    return ":".join(str(part) for part in (one.event, one.outcome) if part is not None)


def _line(channel: Channel) -> str:
    when = ", ".join(_occasion(one) for one in channel.on)
    where = f"; only {', '.join(channel.environments)}" if channel.environments else ""
    lacks = f"\n  cannot be told here: {channel.lacks}" if channel.lacks else ""
    return f"{channel.name}: {when}{where}{lacks}"


def _result(one: Delivery) -> str:
    if one.sent:
        return f"{one.channel}: told"
    tried = f" after {one.attempts} attempts" if one.attempts > 1 else ""
    return f"{one.channel}: not told{tried}: {one.error}"
