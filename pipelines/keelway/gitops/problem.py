"""How a repository refuses what was asked of it."""

from __future__ import annotations

from keelway.errors import StageError

STAGE = "deploy"


class GitOpsError(StageError):
    """A release could not be written into a repository; nothing of it is there."""

    def __init__(
        self, message: str, *, why: str | None = None, next_step: str | None = None
    ) -> None:
        """Keep what happened."""
        super().__init__(message, stage=STAGE, why=why, next_step=next_step)
