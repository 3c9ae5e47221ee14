"""Slack: Block Kit, by an incoming webhook.

Limits: https://docs.slack.dev/reference/block-kit/blocks (header 150, section 3000, fields 10 of
2000 each, 50 blocks), https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.notify.request import json_request
from keelway.notify.texts import fitting, one_line, quiet, slack_text
from keelway.notify.wording import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.notify.request import Request
    from keelway.notify.wording import Message

_HEADER, _SECTION, _FIELDS, _FIELD, _FALLBACK = 150, 3000, 10, 2000, 4000
_MARKS = {Tone.GOOD: "✅", Tone.BAD: "❌", Tone.UNSURE: "⚠️", Tone.NEUTRAL: "⏳"}


def slack_request(message: Message) -> Request:
    """Return the message as Slack takes it."""
    return json_request(
        {
            # What notifications and screen readers have; shown itself where blocks are not.
            "text": fitting(slack_text(message.headline), _FALLBACK),
            "blocks": list(_blocks(message)),
            "unfurl_links": False,
            "unfurl_media": False,
        }
    )


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    # A header is plain text, which Slack escapes itself: names would be shown escaped twice.
    title = f"{_MARKS[message.tone]} {quiet(message.headline)}"
    yield {"type": "header", "text": {"type": "plain_text", "text": fitting(title, _HEADER)}}
    own = message.own_text(slack_text)
    if own is not None:
        yield _section(own)
        return
    fields = [_mrkdwn(f"*{label}*\n{slack_text(one_line(text))}", _FIELD)
              for label, text in message.facts[:_FIELDS]]  # fmt: skip
    if fields:
        yield {"type": "section", "fields": fields}
    if message.reason:
        yield _section(f"*Reason*\n{slack_text(message.reason)}")
    if message.images:
        yield _section(f"*Images*\n{slack_text(message.images)}")
    if message.link:
        yield _section(f"<{slack_link(message.link)}|The run>")


def slack_link(address: str) -> str:
    """Return an address that may stand in Slack's `<address|text>`."""
    return address.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text, _SECTION)}


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    # Verbatim: names of channels and people in it are text, and no links.
    return {"type": "mrkdwn", "text": fitting(text, limit), "verbatim": True}
