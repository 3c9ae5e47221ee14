"""What was done on hosts: `deployment_history.log` on each, and all of them put together.

A line is written whole or not at all. One that a crash tore is passed over, and said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway.deploy.host import Host, HostError
from keelway.model.history_line import history_line, parse_history_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.deploy.layout import Layout
    from keelway.model.history import HistoryEntry

SKEW_S = 5.0
"""Clocks that differ by more are told of."""

# The line is whole before the log is opened; what a crash tore before is ended first.
_APPEND = """\
set -eu
log=$1 size=$2
umask 077
folder=${log%/*}
[ -d "$folder" ] || mkdir -p -- "$folder"
beside="$log.$$"
trap 'rm -f -- "$beside"' EXIT
if [ -s "$log" ] && [ -n "$(tail -c 1 -- "$log")" ]; then echo > "$beside"; fi
touch -- "$beside"
before=$(wc -c < "$beside")
cat >> "$beside"
[ "$(wc -c < "$beside")" -eq $((before + size)) ] || { echo "only a part arrived" >&2; exit 1; }
cat -- "$beside" >> "$log"
"""


async def clock_of(host: Host) -> datetime:
    """Return what time a host thinks it is.

    Raises:
        HostError: The host is lost, or does not tell.
    """
    ran = await host.run(("date", "+%s"))
    if ran.code or not ran.text.isdigit():
        raise HostError(
            f"{host.name} does not tell the time", host=host.name, why=ran.complaint or None
        )
    return datetime.fromtimestamp(int(ran.text), UTC)


async def append(host: Host, layout: Layout, entry: HistoryEntry) -> None:
    """Write an entry into a host's history, with the host's own time.

    Raises:
        HostError: The host is lost, or its disk is full; then nothing of it is written.
    """
    line = history_line(replace(entry, host_at=await clock_of(host))).encode()
    words = ("sh", "-c", _APPEND, "append", layout.history, str(len(line)))
    ran = await host.run(words, given=line)
    if ran.code:
        raise HostError(
            f"the history on {host.name} cannot be written", host=host.name, why=ran.complaint
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHistory:
    """What one host tells."""

    host: str
    entries: tuple[HistoryEntry, ...]
    notes: tuple[str, ...] = ()
    """What is wrong with it."""


async def read_history(host: Host, layout: Layout) -> HostHistory:
    """Return what is written down on a host, oldest first.

    Raises:
        HostError: The host is lost, or the file cannot be read.
    """
    data = await host.read(layout.history)
    return parse_history(host.name, data or b"")


def parse_history(host: str, data: bytes) -> HostHistory:
    """Return what a host's log says; lines that are none are told of."""
    entries: list[HistoryEntry] = []
    notes: list[str] = []
    lines = data.decode(errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entries.append(parse_history_line(line))
        except ValueError:
            torn = "is torn: the host, or whoever wrote it, stopped meanwhile"
            notes.append(f"{host}: line {number} of the history {torn}; it is passed over")
    return HostHistory(host=host, entries=tuple(entries), notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """One event, and the hosts that know of it."""

    entry: HistoryEntry
    known_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What several hosts tell, put together: oldest first."""

    events: tuple[Merged, ...]
    notes: tuple[str, ...] = field(default=())


def merge(histories: Sequence[HostHistory]) -> History:
    """Return the histories of hosts as one: the same event on several hosts is one event."""
    found: dict[object, Merged] = {}
    for history in histories:
        for position, entry in enumerate(history.entries):
            alone = (history.host, position)
            key = alone if entry.run is None else (entry.run, entry.event, entry.outcome)
            known = found.get(key)
            hosts = () if known is None else known.known_on
            first = entry if known is None else known.entry
            # What was finished after it was cut off may be written down twice.
            found[key] = Merged(entry=first, known_on=tuple(dict.fromkeys((*hosts, history.host))))
    return History(
        events=tuple(sorted(found.values(), key=lambda one: one.entry.at)),
        notes=(*(note for one in histories for note in one.notes), *_skews(histories)),
    )


def _skews(histories: Iterable[HostHistory]) -> list[str]:
    """Return one line for each host whose clock differs from that of whoever deployed last."""
    notes: list[str] = []
    for history in histories:
        last = next((one for one in reversed(history.entries) if one.host_at is not None), None)
        if last is not None and last.host_at is not None:
            notes += skew_note(history.host, last.host_at, last.at)
    return notes


def skew_note(host: str, there: datetime, here: datetime) -> list[str]:
    """Return a line when two clocks differ, and nothing when they do not."""
    ahead = (there - here).total_seconds()
    if abs(ahead) <= SKEW_S:
        return []
    way = "ahead of" if ahead > 0 else "behind"
    return [f"the clock of {host} is {abs(ahead):.0f} s {way} the operator's"]
