"""Retention planned and carried out in front of the user."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.stopping import run_until_stopped
from keelway._cli.verifying import find_configuration
from keelway._registries import own_keyring
from keelway._replacing import replace_file
from keelway._stage import SystemClock
from keelway.announcing import Herald, announce_end, plan_announcements
from keelway.config import load_config
from keelway.errors import ConfigError, PlanError, StageError
from keelway.facts import find_job, gather_facts
from keelway.model.events import Note
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.retention import Deletion
from keelway.policy.budget import shown_size
from keelway.retention.carrying_out import apply_plan, make_plan, plan_retention
from keelway.retention.deciding import Protected
from keelway.retention.plan_file import parse_plan, plan_data, plan_text, result_data
from keelway.retention.protecting import environment_tags, read_histories, read_keep_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.events import Event
    from keelway.model.retention import RetentionPlan, RetentionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What must stay, in files."""

    histories: tuple[Path, ...]
    lists: tuple[Path, ...]

    def read(self, rollbacks: int) -> tuple[dict[str, str], dict[str, str]]:
        """Return digests and references by tag that must stay, with the reasons.

        Raises:
            PlanError: A file cannot be read.
        """
        histories = {str(path): _read(path) for path in self.histories}
        digests, references = read_histories(histories, rollbacks), dict[str, str]()
        for path in self.lists:
            listed, named = read_keep_list(path.name, _read(path))
            digests |= listed
            references |= named
        return digests, references


def show_plan(
    images: tuple[str, ...],
    keeping: Keeping,
    config: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Make a plan, and print it or write it.

    Raises:
        KeelwayError: It could not be made.
    """
    environ = environment()
    _refuse_untrusted(environ)
    loaded = load_config(Path.cwd(), config)
    digests, references = keeping.read(loaded.config.retention.keep_rollbacks)
    tags = environment_tags(loaded.config.environments)
    spec = plan_retention(
        loaded.config,
        images=images,
        protected=Protected(digests=digests, tags=tags),
        references=references,
    )
    keyring = own_keyring(loaded.config, loaded.root, environ)
    plan = run_until_stopped(partial(make_plan, spec, keyring.find, SystemClock()))
    if out is not None:
        _write(out, plan_text(plan))
    if as_json:
        output.result(json.dumps(plan_data(plan), indent=2))
    else:
        output.result(plan_text(plan) if out is None else _summary(plan, out))


def carry_out(
    file: Path, result: Path | None, keeping: Keeping, config: Path | None, *, as_json: bool
) -> None:
    """Carry out a plan, write what was done, and print it.

    Raises:
        StageError: Something of it is left.
        KeelwayError: It does not hold any more, or could not be carried out.
    """
    environ = environment()
    _refuse_untrusted(environ)
    plan = parse_plan(_read(file), str(file))
    written, root = find_configuration(config)
    rollbacks = 0 if written is None else written.retention.keep_rollbacks
    digests, _ = keeping.read(rollbacks)
    keyring = own_keyring(written, root, environ)
    done = run_until_stopped(
        partial(apply_plan, plan, keyring.find, SystemClock(), protected=digests)
    )
    place = result or file.with_name(f"{file.stem}.result.json")
    data = json.dumps(result_data(done), indent=2)
    _write(place, f"{data}\n")
    output.result(data if as_json else _result_text(done, place))
    _announce(done, config)
    if not done.complete:
        left = sum(one.outcome in {Deletion.FAILED, Deletion.REFUSED} for one in done.done)
        raise StageError(
            f"{left} of {len(done.done)} digests are still there",
            stage="retention",
            next_step=f"look into {place}, correct what failed, and apply the plan again",
        )


def _announce(done: RetentionResult, config: Path | None) -> None:
    """Tell whoever is to hear of it, where the project says so."""
    try:
        loaded = load_config(Path.cwd(), config)
    except ConfigError:
        return  # a plan can be carried out anywhere
    if not loaded.config.notify and not loaded.config.hooks:
        return
    facts = gather_facts(loaded, environment(), (), compose=False)
    entry = HistoryEntry(
        at=SystemClock().now(),
        event=DeliveryEvent.RETENTION,
        outcome=DeliveryOutcome.SUCCEEDED if done.complete else DeliveryOutcome.FAILED,
        project=loaded.config.project.name,
        environment="registries",
        version=_counted(done),
        images={},
        actor=facts.actor,
    )
    herald = Herald(observer=_Told())
    run_until_stopped(
        partial(announce_end, herald, plan_announcements(loaded.config, facts), entry)
    )


class _Told:
    """Shows what could not be told."""

    def on(self, event: Event) -> None:
        """Print a note."""
        if isinstance(event, Note):
            output.notice(event.text)


def _refuse_untrusted(environ: Mapping[str, str]) -> None:
    job = find_job(environ)
    if job is not None and job.untrusted is not None:
        raise PlanError(
            f"nothing is deleted here: {job.untrusted}",
            next_step="run it where the branch itself is built",
        )


def _summary(plan: RetentionPlan, out: Path) -> str:
    lines = [
        f"{one.repository}: {len(one.delete)} to delete, {len(one.keep)} to keep, "
        f"{shown_size(one.freed_bytes)} less"
        for one in plan.repositories
    ]
    return "\n".join([*lines, f"plan  {out}", f"next  keelway retention apply {out}"])


def _counted(done: RetentionResult) -> str:
    counted = Counter(one.outcome for one in done.done)
    lines = [f"{counted[outcome]} {outcome.value}" for outcome in Deletion if counted[outcome]]
    return ", ".join(lines) or "nothing to delete"


def _result_text(done: RetentionResult, place: Path) -> str:
    left = [
        f"  {one.outcome.value}  {one.repository}@{one.digest}: {one.why}"
        for one in done.done
        if one.outcome in {Deletion.FAILED, Deletion.REFUSED}
    ]
    return "\n".join([_counted(done), *left, f"result  {place}"])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read", why=str(error)) from error


def _write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise PlanError(f"{path} cannot be written", why=error.strerror) from error
