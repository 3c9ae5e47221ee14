"""What Workflows takes as a message, with the parts of Adaptive Cards 1.4 that are used.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
and https://adaptivecards.io/explorer/.
"""

from __future__ import annotations

from typing import Any


def _form(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
_TEXT_BLOCK = _form(
    {"type": {"const": "TextBlock"}, "text": _TEXT},
    {
        "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
        "weight": {"enum": ["Default", "Lighter", "Bolder"]},
        "color": {"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
        "wrap": {"type": "boolean"},
    },
)
_FACTS = _form(
    {
        "type": {"const": "FactSet"},
        "facts": {"type": "array", "items": _form({"title": _TEXT, "value": _TEXT})},
    }
)
_OPEN = _form(
    {"type": {"const": "Action.OpenUrl"}, "url": {"type": "string", "pattern": "^https?://"}},
    {"title": _TEXT},
)
_CARD = _form(
    {
        "type": {"const": "AdaptiveCard"},
        "version": {"const": "1.4"},
        "body": {"type": "array", "minItems": 1, "items": {"oneOf": [_TEXT_BLOCK, _FACTS]}},
    },
    {
        "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
        "actions": {"type": "array", "maxItems": 6, "items": _OPEN},
        "msteams": _form({}, {"width": {"const": "Full"}}),
    },
)
MESSAGE = _form(
    {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "items": _form(
                {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": _CARD,
                },
                {"contentUrl": {"type": "null"}},
            ),
        },
    }
)
LIMIT_BYTES = 28 * 1024
