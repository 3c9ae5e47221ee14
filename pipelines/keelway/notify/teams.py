"""Microsoft Teams: an Adaptive Card, by a Workflows webhook.

Form: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
and https://adaptivecards.io/explorer/. A message may have 28 KB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.notify.request import json_request
from keelway.notify.texts import fitting, fitting_bytes, markdown_text, one_line
from keelway.notify.wording import Tone

if TYPE_CHECKING:
    from keelway.notify.request import Request
    from keelway.notify.wording import Message

_HEADLINE, _FACT, _TEXT_BYTES = 500, 1000, 6000
"""The longest message, with all its texts at their limits, stays below 28 KB."""
_COLOURS = {
    Tone.GOOD: "Good",
    Tone.BAD: "Attention",
    Tone.UNSURE: "Warning",
    Tone.NEUTRAL: "Default",
}
_LONGEST_LINK = 2000


def teams_request(message: Message) -> Request:
    """Return the message as Workflows takes it."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": _body(message),
        "actions": _actions(message),
        "msteams": {"width": "Full"},
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return json_request({"type": "message", "attachments": [attachment]})


def _actions(message: Message) -> list[dict[str, Any]]:
    if message.link is None or len(message.link) > _LONGEST_LINK:
        return []
    return [{"type": "Action.OpenUrl", "title": "The run", "url": message.link}]


def _body(message: Message) -> list[dict[str, Any]]:
    title = {
        "type": "TextBlock",
        "text": fitting(markdown_text(message.headline), _HEADLINE),
        "size": "Medium",
        "weight": "Bolder",
        "color": _COLOURS[message.tone],
        "wrap": True,
    }
    own = message.own_text(markdown_text)
    if own is not None:
        return [title, _text(own)]
    facts = [
        {"title": label, "value": fitting_bytes(markdown_text(one_line(text)), _FACT)}
        for label, text in message.facts
    ]
    texts = [markdown_text(text) for text in (message.reason, message.images) if text]
    return [title, {"type": "FactSet", "facts": facts}, *(_text(text) for text in texts)]


def _text(text: str) -> dict[str, Any]:
    # An end of line in Markdown is a space, but two of them are a paragraph.
    whole = fitting_bytes(text.replace("\n", "\n\n"), _TEXT_BYTES)
    return {"type": "TextBlock", "text": whole, "wrap": True}
