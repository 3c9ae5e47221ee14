r"""Text that fits: made harmless for a service, and cut to its limits. Pure.

A name that somebody else chose - of a branch, an image, a person - must neither call everybody nor
change how the rest of a message looks.

Example:
    >>> slack_text("<!channel> a & b"), markdown_text("*all* [x](y)")
    ('&lt;!channel&gt; a &amp; b', '\\*all\\* \\[x\\](y)')
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_INLINE = re.compile(r"([\\`*_\[\]<>|~])")
_AT_START = re.compile(r"(?m)^(\s*\d*)([#+\-.)=])")
_CALL = re.compile(r"@(?=(?i:everyone|here|channel)\b)")
_INNER_AT = "@\u200b"
"""An at sign that calls nobody: a space without width follows it."""
_ENTITY = re.compile(r"&[A-Za-z0-9#]{0,9}$")
_LINK = re.compile(r"<[^<>]{0,300}$")
_CONTROLS = {"Cc", "Cf", "Zl", "Zp"}
_LAST_SURROGATE = 0xFFFF


def clean(text: str) -> str:
    """Return a text without characters that nobody sees, or that turn its direction."""
    kept = (one for one in text if one == "\n" or unicodedata.category(one) not in _CONTROLS)
    return "".join(kept).strip()


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(clean(text.replace("\r", "\n").replace("\t", " ")).split())


def quiet(text: str) -> str:
    """Return a text in which nobody is called by name."""
    return _CALL.sub(_INNER_AT, text)


def slack_text(text: str) -> str:
    """Return a text that Slack shows as it is: its three characters escaped, no mention left.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    escaped = "".join(_SLACK.get(one, one) for one in text)
    return quiet(escaped)


def markdown_text(text: str) -> str:
    """Return a text that Markdown, as Discord and Teams read it, shows as it is."""
    escaped = _INLINE.sub(r"\\\1", text)
    # What makes a list, a heading or a line of what begins a line.
    escaped = _AT_START.sub(r"\1\\\2", escaped)
    return quiet(escaped)


def units(text: str) -> int:
    """Return the length as the services count it: in UTF-16, where an emoji counts twice."""
    return sum(1 + (ord(one) > _LAST_SURROGATE) for one in text)


def fitting(text: str, limit: int) -> str:
    """Return an escaped text of at most so many units; a cut one ends with an ellipsis.

    Neither an entity, an escaped character nor a link is cut in two.
    """
    if units(text) <= limit:
        return text
    kept, used = list[str](), units(ELLIPSIS)
    for one in text:
        used += units(one)
        if used > limit:
            break
        kept.append(one)
    short = _ENTITY.sub("", _LINK.sub("", "".join(kept)))
    backslashes = len(short) - len(short.rstrip("\\"))
    return (short[:-1] if backslashes % 2 else short).rstrip() + ELLIPSIS


def fitting_bytes(text: str, limit: int) -> str:
    """Return a text of at most so many bytes in UTF-8, cut likewise."""
    data = text.encode()
    if len(data) <= limit:
        return text
    short = data[: limit - len(ELLIPSIS.encode())].decode(errors="ignore")
    return fitting(short + ELLIPSIS * 2, units(short) + 1)
