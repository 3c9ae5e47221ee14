"""The forms of progress by name: what `KEELWAY_ENGINE_PROGRESS` may say."""

from __future__ import annotations

from typing import Final

FORMS: Final = ("auto", "plain", "tty", "json", "none")
