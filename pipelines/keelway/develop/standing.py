"""What services have come to, as they tell it while they run; pure.

Example:
    >>> web = parse_standing("web|exited|3|0|")
    >>> web.state, web.code
    ('exited', 3)
    >>> came_to({"web": Condition.STARTED}, {"web": web}, now=0.0)
    Came(ready=False, failed=('web',))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.compose.project import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway.compose.project import Service

SETTLED_S = 1.0
"""A service without a health check must have run for so long."""

_FIELDS = 5
_UP = frozenset({"running", "starting", "healthy", "unhealthy"})
_OVER = frozenset({"exited", "blocked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One service, now."""

    name: str
    state: str = "waiting"
    """`waiting`, `blocked`, `running`, `starting`, `healthy`, `unhealthy`, `restarting`, `exited`;
    `gone` once all of it has ended."""
    code: int | None = None
    """The exit code of its command, where it has ended."""
    restarts: int = 0
    why: str = ""
    since: float = 0.0
    """When it came to this, by the clock that `came_to` is asked with."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.state in _OVER

    @property
    def failed(self) -> bool:
        """Whether it ended badly, or never began."""
        return self.state == "blocked" or (self.state == "exited" and self.code != 0)

    @property
    def health(self) -> str:
        """Return what its health check says; empty where it has none."""
        return self.state if self.state in {"starting", "healthy", "unhealthy"} else ""

    @property
    def activity(self) -> str:
        """Return what people know from `docker ps`: `running`, `exited (3)`."""
        if self.state in _UP:
            return "running"
        return f"exited ({self.code})" if self.state == "exited" else self.state

    @property
    def told(self) -> str:
        """Return it on one line: `web exited with code 3`."""
        code = f" with code {self.code}" if self.state == "exited" else ""
        return f"{self.name} {self.state}{code}{f': {self.why}' if self.why else ''}"


def parse_standing(line: str, now: float = 0.0) -> Standing:
    """Return what a line of the reporter says: `NAME|STATE|CODE|RESTARTS|WHY`.

    Raises:
        ValueError: It is no such line.
    """
    name, state, code, restarts, why = line.split("|", _FIELDS - 1)
    return Standing(
        name=name,
        state=state or "waiting",
        code=int(code) if code and state in {"exited", "restarting"} else None,
        restarts=int(restarts or 0),
        why=why,
        since=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """How far a project has come."""

    ready: bool
    failed: tuple[str, ...] = ()
    """Services that will not come to what is wanted of them."""


def came_to(
    wanted: Mapping[str, Condition], standings: Mapping[str, Standing], *, now: float
) -> Came:
    """Return whether all services came to what is wanted, and which of them never will.

    Args:
        wanted: By service.
        standings: What is known of them; nothing of one that has not begun.
        now: By the clock of `Standing.since`.
    """
    failed: list[str] = []
    ready = True
    for name, condition in wanted.items():
        standing = standings.get(name, Standing(name=name))
        if standing.failed or (condition is Condition.HEALTHY and standing.state == "unhealthy"):
            failed.append(name)
        ready = ready and _is_there(condition, standing, now)
    # One that waits for another is told after it: the cause stands first.
    failed.sort(key=lambda name: standings[name].state == "blocked")
    return Came(ready=ready and not failed, failed=tuple(failed))


def _is_there(condition: Condition, standing: Standing, now: float) -> bool:
    done = standing.state == "exited" and standing.code == 0
    match condition:
        case Condition.HEALTHY:
            return standing.state == "healthy"
        case Condition.COMPLETED:
            return done
        case Condition.STARTED:
            settled = standing.state in _UP and now - standing.since >= SETTLED_S
            return done or settled


def stop_order(services: Mapping[str, Service]) -> tuple[tuple[str, ...], ...]:
    """Return services in groups that are stopped together, whoever needs others before those."""
    left = dict(services)
    groups: list[tuple[str, ...]] = []
    while left:
        needed = {need for service in left.values() for need in service.depends_on}
        group = tuple(name for name in left if name not in needed) or tuple(left)
        groups.append(group)
        left = {name: service for name, service in left.items() if name not in group}
    return tuple(groups)


def needing_restart(services: Mapping[str, Service], changed: Iterable[str]) -> tuple[str, ...]:
    """Return the services that say `restart: true` of a dependency that was started again."""
    found = list(changed)
    begun = len(found)
    for name in found:  # it grows: a service that is restarted has others depend on it
        for other, service in services.items():
            dependency = service.depends_on.get(name)
            if dependency is not None and dependency.restart and other not in found:
                found.append(other)
    return tuple(found[begun:])
