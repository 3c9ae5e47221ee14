"""Whether services are well, judged by what the engine says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.model.service_state import ServiceState

SETTLE_S = 3.0
"""So long a service without a health check must run before it counts as well."""
MOST_RESTARTS = 3
"""So often a service may be started again by its restart policy while it is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A service that will not become well by waiting."""

    state: ServiceState
    text: str


@dataclass(slots=True)
class Watch:
    """Services that are waited for, from the first look to the last."""

    wanted: Mapping[str, int]
    """How many containers each service has."""
    settle_s: float = SETTLE_S
    running_since: dict[tuple[str, int], float] = field(
        default_factory=dict[tuple[str, int], float]
    )
    """By container and how often it was started again."""
    restarts_before: dict[str, int] = field(default_factory=dict[str, int])
    """By container, when it was first looked at."""

    def look(self, states: Sequence[ServiceState], now_s: float) -> Trouble | None:
        """Keep what is seen, and return the first service that is beyond waiting for.

        Args:
            states: All containers of the unit.
            now_s: Any clock that only goes forward.
        """
        for state in states:
            _ = self.restarts_before.setdefault(state.container, state.restarts)
            if state.is_running:
                _ = self.running_since.setdefault((state.container, state.restarts), now_s)
        for state in states:
            text = self._trouble(state) if state.service in self.wanted else None
            if text is not None:
                return Trouble(state=state, text=text)
        return None

    def waiting(
        self, states: Sequence[ServiceState], now_s: float
    ) -> dict[str, ServiceState | None]:
        """Return what is still waited for, in words, with its container where there is one.

        It is empty when all is well.
        """
        missing: dict[str, ServiceState | None] = {}
        for service, count in self.wanted.items():
            own = [one for one in states if one.service == service]
            if len(own) < count:
                missing[f"{service} has {len(own)} of {count} containers"] = None
            for one in own:
                if not self._is_well(one, now_s):
                    missing[f"{service} is {one.health or one.status}"] = one
        return missing

    def _trouble(self, state: ServiceState) -> str | None:
        again = state.restarts - self.restarts_before[state.container]
        if state.health == "unhealthy" and state.is_running:
            return f"{state.service} is unhealthy"
        if state.status in {"exited", "dead", "stopped"} and not state.is_done:
            return f"{state.service} ended with exit code {state.exit_code}"
        if again >= MOST_RESTARTS:
            return f"{state.service} ends again and again, last with exit code {state.exit_code}"
        return None

    def _is_well(self, state: ServiceState, now_s: float) -> bool:
        if state.is_done:
            return True
        if not state.is_running:
            return False
        if state.health is not None:
            return state.health == "healthy"
        return now_s - self.running_since[(state.container, state.restarts)] >= self.settle_s
