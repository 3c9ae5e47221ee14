"""What is asked of images, decided.

Example:
    >>> PolicySpec(levels={"healthcheck": "off"}).level("orders", "healthcheck")
    'off'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.model.outcome import Skipped
from keelway.model.tool import HostTool, ToolSource
from keelway.policy.budget import Budget
from keelway.policy.rules import RULES, Level
from keelway.policy.starting import StartSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfileSpec:
    """Where an image's Dockerfile is, and how it is read."""

    path: str
    """On this machine."""
    shown: str
    """As messages name it."""
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """What is asked of images."""

    dockerfiles: Mapping[str, DockerfileSpec] = field(default_factory=dict[str, DockerfileSpec])
    """By image; one that is not named is judged by what was built alone."""
    levels: Mapping[str, Level] = field(default_factory=dict[str, Level])
    """Levels of rules, where they are not the rule's own."""
    image_levels: Mapping[str, Mapping[str, Level]] = field(
        default_factory=dict[str, "Mapping[str, Level]"]
    )
    """The same for single images."""
    starts: Mapping[str, StartSpec] = field(default_factory=dict[str, StartSpec])
    """How images are started, by image; one that is not named is started by the defaults."""
    budgets: Mapping[str, Budget] = field(default_factory=dict[str, Budget])
    """How large images may be, by image; one that is not named is not limited."""
    busybox: ToolSource | Skipped = HostTool(path="busybox")  # noqa: RUF009 - frozen
    """What starts images."""
    hadolint: ToolSource | Skipped = HostTool(path="hadolint")  # noqa: RUF009 - frozen
    """Where hadolint comes from, or why it is not asked."""
    directory: str = ".keelway"
    """Where the measures of the last release are looked for, and kept."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not looked at, and why."""
        needs = {"starts": self.busybox, "hadolint": self.hadolint}
        return tuple(
            f"{rule}: {needed.reason}"
            for rule, needed in needs.items()
            if isinstance(needed, Skipped)
        )

    def level(self, image: str, rule: str) -> Level:
        """Return how bad it is that an image breaks a rule."""
        own = self.image_levels.get(image, {}).get(rule)
        return own or self.levels.get(rule) or RULES[rule].level
