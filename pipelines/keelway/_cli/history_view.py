"""What was done to targets, as a table or as data."""

from __future__ import annotations

import json
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from keelway._cli import output
from keelway._cli.deploying import Asked, opened, planned
from keelway._cli.stopping import run_until_stopped
from keelway._targets import HostsTarget, read_target_history, reader
from keelway.config import load_config
from keelway.deploy.history import History, HostHistory, Merged, merge, read_history
from keelway.deploy.opening import open_hosts
from keelway.model.events import Silent
from keelway.model.history_line import history_data

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway._targets import DeploySpec, TargetSpec
    from keelway.model.history import HistoryEntry

HISTORY_SCHEMA = "keelway.history/1"
_SHORT_DIGEST = 12
_WIDTH = 160


def show_history(target: str | None, config: Path | None, *, limit: int, as_json: bool) -> None:
    """Print what was done to one target, or to all.

    Raises:
        KeelwayError: A target could not be asked.
    """
    names = (target,) if target else tuple(load_config(Path.cwd(), config).config.deploy)
    spec = planned(Asked(targets=names), config).spec
    history = run_until_stopped(partial(_read, spec))
    events = history.events[-limit:]
    if as_json:
        output.result(json.dumps(_data(events, history.notes), indent=2, ensure_ascii=False))
        return
    output.result(history_table(events))
    for note in history.notes:
        output.notice(f"note: {note}")


async def _read(spec: DeploySpec) -> History:
    async with opened(spec, Silent()) as run:
        told = [one for target in spec.targets for one in await _of_target(run, target)]
    return merge(told)


async def _of_target(run: Run, target: TargetSpec) -> list[HostHistory]:
    if not isinstance(target, HostsTarget):
        entries = await read_target_history(run, target)
        return [HostHistory(host=target.target, entries=entries)]
    async with open_hosts(target.hosts, reader(run)) as places:
        return [await read_history(host, layout) for host, layout in places]


def history_table(events: tuple[Merged, ...]) -> str:
    """Return one row for each event, the newest last."""
    if not events:
        return "nothing was done yet"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("WHEN (UTC)", "WHAT", "VERSION", "DIGEST", "OUTCOME", "REPLACED", "TOOK", "WHO"):
        table.add_column(title, no_wrap=True)
    table.add_column("WHY, AND WHAT WAS VERIFIED", overflow="fold")
    for event in events:
        table.add_row(*_row(event.entry))
    text = StringIO()
    Console(file=text, width=_WIDTH, color_system=None, markup=False, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    digests = [one.rpartition(":")[2][:_SHORT_DIGEST] for one in entry.images.values()]
    source = entry.actor.run_url or entry.actor.where
    number = len(entry.evidence)
    verified = "" if not number else f"{number} {'check' if number == 1 else 'checks'} passed"
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        f"{entry.event} {entry.target or ''}".strip(),
        entry.version or "-",
        ", ".join(digests) or "-",
        str(entry.outcome),
        entry.replaced or "-",
        "-" if entry.duration_s is None else f"{entry.duration_s:g} s",
        f"{entry.actor.who} ({source})",
        entry.reason or verified,
    )


def _data(events: tuple[Merged, ...], notes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "schema": HISTORY_SCHEMA,
        "events": [
            {**history_data(event.entry), "known_on": list(event.known_on)} for event in events
        ],
        "notes": list(notes),
    }
