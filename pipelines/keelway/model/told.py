"""What became of telling people and programs what happened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of telling one channel."""

    channel: str
    sent: bool
    attempts: int = 0
    """How often it was tried."""
    error: str | None = None
    """Why it was not sent, with nothing secret in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of telling everyone of one entry."""

    deliveries: tuple[Delivery, ...] = ()
    """One for each channel that is to hear of it."""

    @property
    def complete(self) -> bool:
        """Whether all of them know."""
        return all(one.sent for one in self.deliveries)
