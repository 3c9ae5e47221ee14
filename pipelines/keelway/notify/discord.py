"""Discord: an embed, by a channel's webhook.

Limits: https://discord.com/developers/docs/resources/message#embed-object-embed-limits (title 256,
description 4096, 25 fields, name 256, value 1024, 6000 in all).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.notify.request import json_request
from keelway.notify.texts import fitting, markdown_text, one_line, units
from keelway.notify.wording import Tone

if TYPE_CHECKING:
    from keelway.notify.request import Request
    from keelway.notify.wording import Message

_TITLE, _DESCRIPTION, _FIELDS, _VALUE, _ALL = 256, 4096, 25, 1024, 6000
_COLOURS = {
    Tone.GOOD: 0x2DA44E,
    Tone.BAD: 0xCF222E,
    Tone.UNSURE: 0xD4A72C,
    Tone.NEUTRAL: 0x6E7781,
}


def discord_request(message: Message) -> Request:
    """Return the message as Discord takes it; it calls nobody, whatever is in it."""
    return json_request({"embeds": [_embed(message)], "allowed_mentions": {"parse": []}})


def _embed(message: Message) -> dict[str, Any]:
    embed: dict[str, Any] = {
        "title": fitting(markdown_text(message.headline), _TITLE),
        "color": _COLOURS[message.tone],
        **({"url": message.link} if message.link else {}),
    }
    left = _ALL - units(embed["title"])
    own = message.own_text(markdown_text)
    if own is not None:
        return {**embed, "description": fitting(own, min(_DESCRIPTION, left))}
    if message.reason:
        embed["description"] = fitting(markdown_text(message.reason), _DESCRIPTION)
        left -= units(embed["description"])
    facts = [*message.facts, *([("Images", message.images)] if message.images else ())]
    fields: list[dict[str, Any]] = []
    for label, text in facts[:_FIELDS]:
        shown = text if label == "Images" else one_line(text)
        room = min(_VALUE, left - units(label))
        if room <= 1:
            break
        value = fitting(markdown_text(shown), room)
        fields.append({"name": label, "value": value, "inline": label != "Images"})
        left -= units(label) + units(value)
    return {**embed, "fields": fields}
