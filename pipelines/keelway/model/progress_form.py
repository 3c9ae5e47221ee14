"""How a user wants to be told what is going on."""

from enum import StrEnum


class ProgressForm(StrEnum):
    """What `--progress` takes."""

    AUTO = "auto"
    TTY = "tty"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"
