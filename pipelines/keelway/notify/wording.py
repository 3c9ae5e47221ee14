"""What is said of an entry: a headline, facts, or the user's own text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keelway.errors import redact
from keelway.model.history import DeliveryEvent, DeliveryOutcome
from keelway.model.history_fields import field_values
from keelway.notify.texts import clean, one_line
from keelway.tags.template import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.model.history import HistoryEntry


class Tone(StrEnum):
    """How an entry is meant; services show it as a colour."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    NEUTRAL = "neutral"


_TONES: Mapping[DeliveryOutcome, Tone] = {
    DeliveryOutcome.STARTED: Tone.NEUTRAL,
    DeliveryOutcome.SUCCEEDED: Tone.GOOD,
    DeliveryOutcome.FAILED: Tone.BAD,
    DeliveryOutcome.ROLLED_BACK: Tone.BAD,
    DeliveryOutcome.INCONCLUSIVE: Tone.UNSURE,
}
_WHAT: Mapping[DeliveryEvent, str] = {
    DeliveryEvent.RELEASE: "release",
    DeliveryEvent.PROMOTE: "promotion to",
    DeliveryEvent.DEPLOY: "deployment to",
    DeliveryEvent.ROLLBACK: "rollback of",
    DeliveryEvent.RETENTION: "clean-up of",
    DeliveryEvent.UNLOCK: "unlocking of",
}
_HOW: Mapping[DeliveryOutcome, str] = {
    DeliveryOutcome.STARTED: "has started",
    DeliveryOutcome.SUCCEEDED: "succeeded",
    DeliveryOutcome.FAILED: "failed",
    DeliveryOutcome.ROLLED_BACK: "failed, and the version before serves again",
    DeliveryOutcome.INCONCLUSIVE: "is inconclusive: somebody has to decide",
}
_FACTS: Mapping[str, str] = {
    "version": "Version",
    "replaced": "Replaced",
    "environment": "Environment",
    "target": "Target",
    "hosts": "Hosts",
    "duration": "Took",
    "who": "By",
    "where": "From",
}

_LONGEST = 8000
"""No service takes more of one field, nor does anybody read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is said, plain: each service escapes and cuts it in its own way."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    """Label and text."""
    reason: str
    """Empty where there is none."""
    images: str
    """A line an image; empty where none is known."""
    link: str | None
    """The CI's run."""
    tone: Tone
    template: str | None
    values: Mapping[str, str]
    """The fields of the entry."""

    def own_text(self, escape: Callable[[str], str]) -> str | None:
        """Return the user's own text with each value escaped; nothing where he has none."""
        if self.template is None:
            return None
        return render(self.template, lambda call: escape(self.values[call.name]), escape=str)

    def plain(self) -> str:
        """Return all of it, for whoever reads nothing but text."""
        own = self.own_text(str)
        if own is not None:
            return own
        lines = [f"{label}: {text}" for label, text in self.facts]
        lines += [*([f"Reason: {self.reason}"] if self.reason else ())]
        lines += [*(["Images:", self.images] if self.images else ())]
        return "\n".join([*lines, *([self.link] if self.link else ())])


def word(entry: HistoryEntry, template: str | None = None) -> Message:
    """Return what is said of an entry.

    Args:
        entry: What happened.
        template: The user's own text, which goes before the facts.
    """
    values = {name: clean(redact(text[:_LONGEST])) for name, text in field_values(entry).items()}
    link = values["run_url"]
    return Message(
        headline=headline(entry),
        facts=tuple((label, values[name]) for name, label in _FACTS.items() if values[name]),
        reason=values["reason"],
        images=values["images"],
        link=link if link.startswith(("https://", "http://")) and " " not in link else None,
        tone=_TONES[entry.outcome],
        template=template,
        values=values,
    )


def headline(entry: HistoryEntry) -> str:
    """Return the entry in one line: `shop 1.2.3: deployment to production succeeded`."""
    what = _WHAT[entry.event]
    where = entry.environment or entry.target or ""
    if " " in what:
        what = f"{what} {where}" if where else what.partition(" ")[0]
    version = f" {entry.version}" if entry.version else ""
    text = f"{entry.project}{version}: {what} {_HOW[entry.outcome]}"
    return one_line(redact(text[:_LONGEST]))
