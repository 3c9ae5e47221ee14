"""Which engine a user asks for."""

from enum import StrEnum


class EngineChoice(StrEnum):
    """What `--engine` takes."""

    AUTO = "auto"
    LOCAL = "local"
    DAGGER = "dagger"
