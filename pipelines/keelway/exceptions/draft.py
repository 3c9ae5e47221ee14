"""An exception as another tool's file has it: without an owner, often without an end.

Example:
    >>> print(write_toml([Draft(id="CVE-2024-0001", reason="not reachable")], owner="shop"))
    [[exception]]
    id = "CVE-2024-0001"
    reason = "not reachable"
    owner = "shop"
    # expires = 2026-12-31  # to complete: the last day on which it holds
    <BLANKLINE>
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was read; what is None has to be completed, or holds everywhere."""

    id: str
    image: str | None = None
    purl: str | None = None
    path: str | None = None
    reason: str | None = None
    expires: date | None = None
    vex_status: str | None = None
    justification: str | None = None


def write_toml(
    drafts: Iterable[Draft], *, owner: str | None = None, expires: date | None = None
) -> str:
    """Return entries for `keelway-exceptions.toml`; what is to complete stands in comments.

    A file with such comments is refused when it is read, with file and line: nobody grants an
    exception by importing it.

    Args:
        drafts: What was read.
        owner: Who answers for all of them.
        expires: The last day of those that have none.
    """
    return "\n".join("\n".join(_entry(one, owner, expires)) + "\n" for one in drafts)


def _entry(one: Draft, owner: str | None, expires: date | None) -> Iterator[str]:
    yield "[[exception]]"
    yield f"id = {_text(one.id)}"
    for key in ("image", "purl", "path"):
        value = getattr(one, key)
        if value is not None:
            yield f"{key} = {_text(value)}"
    yield _known("reason", one.reason) or '# reason = "..."  # to complete: why it may pass'
    yield _known("owner", owner) or '# owner = "..."  # to complete: who answers for it'
    last = one.expires or expires
    if last is not None:
        yield f"expires = {last.isoformat()}"
    else:
        yield "# expires = 2026-12-31  # to complete: the last day on which it holds"
    if one.vex_status is not None:
        yield f"vex_status = {_text(one.vex_status)}"
    if one.justification is not None:
        yield f"justification = {_text(one.justification)}"


def _known(key: str, value: str | None) -> str | None:
    return f"{key} = {_text(value)}" if value else None


def _text(value: str) -> str:
    """A JSON string is a TOML basic string (TOML 1.0, "String"), but for a delete character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
