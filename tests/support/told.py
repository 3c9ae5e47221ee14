"""Entries to tell, and servers that are told: they keep what came in and answer as a test says."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keelway.model.history import Actor, DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.occasion import Occasion
from keelway.notify.spec import Channel
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keelway.notify.spec import Where

AT = datetime(2026, 11, 21, 20, 15, 30, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
RUN_URL = "https://ci.example.com/shop/runs/7?attempt=1&view=all"
ALL = tuple(Occasion(outcome=outcome) for outcome in DeliveryOutcome)


def an_entry(**changes: Any) -> HistoryEntry:
    """Return a deployment that failed, with everything that an entry can have."""
    known: dict[str, Any] = {
        "at": AT,
        "event": DeliveryEvent.DEPLOY,
        "outcome": DeliveryOutcome.ROLLED_BACK,
        "project": "shop",
        "environment": "production",
        "target": "web",
        "hosts": ("web1.example.com", "web2.example.com"),
        "version": "1.2.3",
        "images": {"orders": f"registry.example.com/shop/orders@{DIGEST}"},
        "evidence": ("signed by the release key",),
        "actor": Actor(who="ann", where="GitHub Actions", run_url=RUN_URL),
        "duration_s": 75.2,
        "replaced": "1.2.2",
        "reason": "web2.example.com: orders is unhealthy",
    }
    return HistoryEntry(**{**known, **changes})


def a_channel(where: Where, **changes: Any) -> Channel:
    """Return a channel that hears of everything and gives up soon."""
    return Channel(**{"name": "ops", "where": where, "on": ALL, "timeout_s": 10, **changes})


@dataclass(slots=True)
class Receiver:
    """A server that keeps what it is asked."""

    answer: Callable[[Asked], Reply] = field(default=lambda _: Reply(body=b"ok"))
    asked: list[Asked] = field(default_factory=list[Asked])
    url: str = ""

    def take(self, asked: Asked) -> Reply:
        """Keep a request, and answer it."""
        self.asked.append(asked)
        return self.answer(asked)


@contextlib.contextmanager
def receiving(*replies: Reply) -> Iterator[Receiver]:
    """Serve until the end of the block.

    Args:
        replies: What is answered, in order; the last one again and again. `ok` when empty.
    """
    receiver = Receiver()
    if replies:
        left = list(replies)
        receiver.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]
    with answering(receiver.take) as place:
        receiver.url = f"http://{place}"
        yield receiver
