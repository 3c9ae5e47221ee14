"""The processes of an NGINX: which of them take requests, and which end what they are at. Pure.

NGINX says it in their titles, which everybody may read. A reload starts new workers and tells the
old ones to go: these accept no new connection any more, and end with their last request.
"""

from __future__ import annotations

from dataclasses import dataclass

LIST_SCRIPT = """\
master=$(cat "$1") || exit 3
grep -ls "^PPid:[[:space:]]*$master\\$" /proc/[0-9]*/status | while read -r status; do
  pid=${status#/proc/}; pid=${pid%/status}
  printf '%s ' "$pid"; tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null; echo
done
exit 0
"""
"""For sh, with the path of the pid file: each child of the first process and its title."""

_WORKER = "worker process"
_GOING = "shutting down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Those that there are at one moment, by process id."""

    taking: frozenset[int]
    going: frozenset[int]
    """Told to end; they are at their last requests."""

    def took_over_from(self, before: Workers) -> bool:
        """Return whether none of the former ones takes requests any more, and new ones do."""
        return bool(self.taking) and not self.taking & before.taking


def parse_workers(text: str) -> Workers:
    r"""Return what the script printed.

    >>> parse_workers("7 nginx: worker process is shutting down\n9 nginx: worker process\n")
    Workers(taking=frozenset({9}), going=frozenset({7}))
    """
    taking: set[int] = set()
    going: set[int] = set()
    for line in text.splitlines():
        number, _, title = line.partition(" ")
        if number.isdigit() and _WORKER in title:
            (going if _GOING in title else taking).add(int(number))
    return Workers(taking=frozenset(taking), going=frozenset(going))
