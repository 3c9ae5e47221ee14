"""Who was told how a release ended, as `report.json` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.report.part import Part

if TYPE_CHECKING:
    from keelway.model.told import Told


class NotificationPart(Part):
    """What became of telling one channel."""

    channel: str
    sent: bool
    attempts: int
    error: str | None
    """Why it was not told; a release never fails of it."""


def notification_parts(told: Told | None) -> tuple[NotificationPart, ...] | None:
    """Return what became of telling each channel; nothing where nobody is to be told."""
    if told is None:
        return None
    return tuple(
        NotificationPart(channel=one.channel, sent=one.sent, attempts=one.attempts, error=one.error)
        for one in told.deliveries
    )
