r"""The board that all services of a run write to: the scripts that look at it, and what they tell.

Example:
    >>> parse_health("1250 exit code 1\nnot yet\n\n1300 exit code 0\n\n", began=1200)
    'after 0.5 s, exit code 1: not yet\nafter 1.0 s, exit code 0'
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.errors import redact
from keelway.model.tests import ServiceResult
from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

OUT_PATH = "/out"
VOLUMES_PATH = "/volumes"
SHOWN_LINES = 15
"""So many last lines of a service's log are told with the reason why something failed."""
SHOWN_CHECKS = 3

NOT_READY = 3
"""Exit code of `watch_script` when one of them will not come to what is waited for."""
LATE = 4
"""Exit code of `watch_script` when the time was over."""

_CHECK = re.compile(r"^(\d+) exit code (\d+)$")
_ENDED = frozenset({"exited", "restarting"})
_FILES = ("state", "why", "code", "log", "health", "events", "restarts", "stopped", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that one service's folder on the board says."""

    state: str
    why: str = ""
    code: int | None = None
    log: str = ""
    health: str = ""
    events: str = ""
    restarts: int = 0
    results: tuple[str, ...] = ()
    """The texts of the files that were brought."""


def watch_script(wanted: Mapping[str, str], limit_s: float) -> str:
    """Return a script that ends when all services have come to what is wanted of them.

    Args:
        wanted: `running`, `healthy`, `completed`, or `ended` whatever the exit code, by service.
        limit_s: When it gives up.
    """
    looks = "\n".join(f"look {shlex.join(pair)}" for pair in wanted.items())
    return _WATCH.format(
        busybox=BUSYBOX_PATH,
        board=BOARD_PATH,
        limit=round(limit_s * 100),
        looks=looks,
        not_ready=NOT_READY,
        late=LATE,
    )


_WATCH = """\
B={busybox}; board={board}
now() {{ read -r up _ </proc/uptime; now=${{up%.*}}${{up#*.}}; }}
get() {{ got=; [ ! -f "$1" ] || read -r got <"$1" || :; }}
look() {{
  get "$board/$1/code"; code=$got; get "$board/$1/state"
  case $2/$got in
    running/running|running/starting|running/healthy|running/unhealthy|running/restarting) ;;
    running/exited) [ "$code" = 0 ] || never=1 ;;
    healthy/healthy) ;;
    completed/exited) [ "$code" = 0 ] || never=1 ;;
    ended/exited|ended/blocked) ;;
    */blocked|healthy/unhealthy|healthy/exited) never=1 ;;
    *) all= ;;
  esac
}}
now; began=$now
while :; do
  all=1; never=
{looks}
  [ -z "$never" ] || exit {not_ready}
  [ -z "$all" ] || exit 0
  now; [ $((now - began)) -lt {limit} ] || exit {late}
  "$B" usleep 50000
done
"""


def collect_script(services: Iterable[str], *, volumes: int = 0) -> str:
    """Return a script that copies what the board has to `OUT_PATH`, and empties the volumes."""
    return _COLLECT.format(
        busybox=BUSYBOX_PATH,
        board=BOARD_PATH,
        out=OUT_PATH,
        services=shlex.join(services),
        files=" ".join(_FILES),
        volumes=" ".join(f"{VOLUMES_PATH}/{number}" for number in range(volumes)),
    )


_COLLECT = """\
B={busybox}
for service in {services}; do
  "$B" mkdir -p "{out}/$service/results"
  for file in {files}; do
    [ ! -f "{board}/$service/$file" ] || "$B" cp "{board}/$service/$file" "{out}/$service/$file"
  done
  for file in "{board}/$service/results"/*; do
    [ ! -f "$file" ] || "$B" cp "$file" "{out}/$service/results/"
  done
done
for folder in {volumes}; do
  "$B" find "$folder" -mindepth 1 -maxdepth 1 -exec "$B" rm -rf {{}} +
done
"""


def read_board(folder: Path, services: Iterable[str], secrets: Sequence[str]) -> dict[str, Told]:
    """Return what each service's folder says, secrets masked."""
    return {name: _read(folder / name, secrets) for name in services}


def _read(folder: Path, secrets: Sequence[str]) -> Told:
    def told(name: str) -> str:
        file = folder / name
        return file.read_bytes().decode(errors="replace") if file.is_file() else ""

    def text(name: str) -> str:
        return redact(told(name), secrets)

    code = told("code").strip()  # as it is: a secret may be as short as a digit
    results = folder / "results"
    found = sorted(results.iterdir(), key=lambda one: int(one.stem)) if results.is_dir() else []
    return Told(
        state=told("state").strip() or "absent",
        why=text("why").strip(),
        code=int(code) if code.isdigit() else None,
        log=text("log"),
        health=text("health"),
        events=text("events"),
        restarts=int(told("restarts").strip() or 0),
        results=tuple(text(f"results/{one.name}") for one in found),
    )


def began_at(told: Mapping[str, Told]) -> int:
    """Return the first moment of the run: the machine's uptime, in hundredths of seconds."""
    moments = [_moment(one.events.partition("\n")[0]) for one in told.values() if one.events]
    return min(moments, default=0)


def ran_s(told: Told) -> float:
    """Return how long the command of a service ran, in seconds, if it ended."""
    moments = [line.split(" ", 1) for line in told.events.splitlines()]
    start = [int(at) for at, what in moments if what in {"running", "starting"}]
    end = [int(at) for at, what in moments if what.startswith("exited")]
    return (end[-1] - start[0]) / 100 if start and end else 0.0


def service_result(name: str, told: Told, *, began: int, log: str | None) -> ServiceResult:
    """Return what became of a service.

    Args:
        name: The service.
        told: What its folder says.
        began: The first moment of the run.
        log: Where its log is kept.
    """
    return ServiceResult(
        name=name,
        state=told.state,
        code=told.code if told.state in _ENDED else None,
        why=told.why,
        health=parse_health(told.health, began=began),
        log=log,
        tail=last_lines(told.log),
        events=tuple(_event(line, began) for line in told.events.splitlines()),
        restarts=told.restarts,
    )


def last_lines(text: str) -> str:
    """Return the last lines of a log: what is shown with the reason why something failed."""
    return "\n".join(text.rstrip().splitlines()[-SHOWN_LINES:])


def parse_health(text: str, *, began: int) -> str:
    """Return the last checks, one after the other, with seconds since the run began."""
    checks: list[str] = []
    for line in text.splitlines():
        head = _CHECK.match(line)
        if head is not None:
            after = (int(head[1]) - began) / 100
            checks.append(f"after {after:.1f} s, exit code {head[2]}")
        elif line.strip() and checks:
            checks[-1] += f": {line.strip()}" if ": " not in checks[-1] else f" | {line.strip()}"
    return "\n".join(checks[-SHOWN_CHECKS:])


def _event(line: str, began: int) -> str:
    _, _, what = line.partition(" ")
    return f"{(_moment(line) - began) / 100:.1f} s: {what}"


def _moment(line: str) -> int:
    word = line.partition(" ")[0]
    return int(word) if word.isdigit() else 0
