"""When something is told or run: an event, an outcome, or one of the other.

Example:
    >>> occasion = parse_occasion("deploy:failed")
    >>> occasion.matches(DeliveryEvent.DEPLOY, DeliveryOutcome.FAILED)
    True
    >>> parse_occasion("deploy").matches(DeliveryEvent.DEPLOY, DeliveryOutcome.STARTED)
    False
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.model.history import DeliveryEvent, DeliveryOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

_EVENTS = {str(one): one for one in DeliveryEvent}
_OUTCOMES = {str(one): one for one in DeliveryOutcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What happens, and how it ends."""

    event: DeliveryEvent | None = None
    """Any when absent."""
    outcome: DeliveryOutcome | None = None
    """Any end when absent: not that it has started."""

    def matches(self, event: DeliveryEvent, outcome: DeliveryOutcome) -> bool:
        """Return whether this is it."""
        if self.event not in {None, event}:
            return False
        if self.outcome is None:
            return outcome is not DeliveryOutcome.STARTED
        return self.outcome is outcome


def parse_occasion(text: str) -> Occasion:
    """Return the occasion that is written as `deploy`, `failed` or `deploy:failed`.

    Raises:
        ValueError: It is none.
    """
    first, separator, second = text.partition(":")
    if separator:
        return Occasion(
            event=_EVENTS[_known(first, _EVENTS)], outcome=_OUTCOMES[_known(second, _OUTCOMES)]
        )
    _known(first, (*_EVENTS, *_OUTCOMES))
    return Occasion(event=_EVENTS.get(first), outcome=_OUTCOMES.get(first))


def _known(word: str, known: Iterable[str]) -> str:
    words = tuple(known)
    if word in words:
        return word
    near = difflib.get_close_matches(word, words, n=1)
    hint = f". Did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"'{word}' is not one of {', '.join(words)}{hint}")
