"""What happened to an environment: one entry an event, the same in log, reports and notices."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class DeliveryEvent(StrEnum):
    """What was done."""

    RELEASE = "release"
    PROMOTE = "promote"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RETENTION = "retention"
    UNLOCK = "unlock"


class DeliveryOutcome(StrEnum):
    """How it ended."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Nothing of it is in effect, or a person is needed; the reason says which."""
    ROLLED_BACK = "rolled-back"
    """It failed, and what was there before serves again."""
    INCONCLUSIVE = "inconclusive"
    """Neither good nor bad could be shown: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it, and from where."""

    who: str
    """The account of the CI's job or of the machine."""
    where: str
    """The CI's name, or the machine's."""
    run_url: str | None = None
    """Of the CI's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One event of an environment."""

    at: datetime
    """When it ended (when it began, for `started`), aware and in UTC."""
    event: DeliveryEvent
    outcome: DeliveryOutcome
    project: str
    environment: str
    """As it is called under `[environments]`, or the deploy target's name where it has none."""
    target: str | None = None
    """The deploy target, where one is meant."""
    hosts: tuple[str, ...] = ()
    """Those it is about."""
    version: str
    """What people call the release: its version tag."""
    images: Mapping[str, str]
    """By image: `registry/repository@sha256:...`."""
    evidence: tuple[str, ...] = ()
    """What was verified, a line each."""
    actor: Actor
    duration_s: float | None = None
    """Seconds; nothing for what has only started."""
    replaced: str | None = None
    """The version that was there before."""
    reason: str | None = None
    """Why it failed, was rolled back, or was done by hand."""
    run: str | None = None
    """The same for all entries of one deployment, on all hosts."""
    host_at: datetime | None = None
    """When it was written down by the clock of the host that keeps it, where one does."""
