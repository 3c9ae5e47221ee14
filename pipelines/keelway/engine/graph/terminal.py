"""What runs when somebody opens a terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalCommand:
    """A container's command for terminals."""

    args: tuple[str, ...] = ("sh",)
    nesting: bool = False
    privileged: bool = False
