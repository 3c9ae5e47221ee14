"""What hadolint says of a Dockerfile.

Example:
    >>> text = '[{"line": 3, "code": "DL3020", "level": "error", "message": "Use COPY"}]'
    >>> parse_findings(text)[0].shown
    'DL3020: Use COPY'
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from keelway._tools.hadolint import HADOLINT
from keelway.errors import ToolOutputError


class HadolintFinding(BaseModel):
    """One thing that hadolint found."""

    line: int
    """Counted from 1."""
    code: str
    level: Literal["error", "warning", "info", "style"]
    message: str

    @property
    def shown(self) -> str:
        """The finding on one line, without its place."""
        return f"{self.code}: {self.message}"


def parse_findings(text: str) -> tuple[HadolintFinding, ...]:
    """Return what hadolint found.

    Raises:
        ToolOutputError: The text is not its JSON.
    """
    try:
        return tuple(TypeAdapter(list[HadolintFinding]).validate_json(text))
    except ValidationError as error:
        raise ToolOutputError(
            f"{HADOLINT.name} wrote something that is no list of findings",
            stage="policy",
            text=text,
        ) from error
