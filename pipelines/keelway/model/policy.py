"""What the image policy looked at, and what it found.

Example:
    >>> PolicyResult(
    ...     rule="user-not-root", outcome=PolicyOutcome.FAILED, image="orders", platform=None,
    ...     message="the final stage runs as root", where="Dockerfile:7",
    ... ).failed
    True
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.model.platform import Platform


class PolicyOutcome(StrEnum):
    """What became of one rule for one image."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    """Broken, but the configuration says `"warn"`."""
    SKIPPED = "skipped"
    """Could not be looked at; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One rule, held against one image, and where it matters one platform."""

    rule: str
    """The rule's name, as the configuration and the exceptions file write it."""
    outcome: PolicyOutcome
    """What became of it."""
    image: str
    """The image's name."""
    platform: Platform | None
    """None for what holds for all platforms, as the Dockerfile does."""
    message: str
    """What was seen."""
    where: str | None = None
    """`Dockerfile:7`, a path in the image, or nothing."""
    next_step: str | None = None
    """What to do about it."""
    seconds: float = 0.0
    """How long it took to find out."""
    output: str = ""
    """What there is to read beside the message: logs of an image that did not start."""

    @property
    def failed(self) -> bool:
        """Whether it speaks against a release."""
        return self.outcome is PolicyOutcome.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMeasure:
    """One layer of an image, in bytes."""

    digest: str
    """Of the layer as it is kept in a registry."""
    size_bytes: int
    """Of its files, unpacked."""
    compressed_bytes: int
    created_by: str | None = None
    """The instruction that made it, as the image's history has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMeasure:
    """How large an image is for one platform, in bytes."""

    image: str
    """The image's name."""
    platform: Platform
    """What it was built for."""
    size_bytes: int
    """Of all layers, unpacked."""
    layers: int
    """How many there are."""
    largest_layer_bytes: int
    """The largest of them, unpacked."""
    wasted_bytes: int
    """Of files that a later layer replaces or removes."""
    compressed_bytes: int
    """Of all layers, as a registry has them."""
    by_layer: tuple[LayerMeasure, ...] = ()
    """The lowest first."""

    @property
    def efficiency(self) -> float:
        """Return the part of all bytes that no later layer replaces or removes."""
        return round(1 - self.wasted_bytes / self.size_bytes, 4) if self.size_bytes else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartMeasure:
    """How an image started and stopped on one platform; times in milliseconds."""

    image: str
    """The image's name."""
    platform: Platform
    """What it was built for."""
    healthy_ms: int
    """Until its health check passed."""
    memory_bytes: int
    """The most that its processes held, added up."""
    stopped_ms: int | None
    """After its stop signal; None when it had to be killed."""
    noticed_ms: int | None
    """How long its health check took to fail once it was gone; None when it never did."""
    emulated: bool
    """Its programs are another machine's: times and memory are the emulator's too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """The result of the policy stage."""

    results: tuple[PolicyResult, ...]
    """Failed ones first, then by image, platform and rule."""
    measures: tuple[ImageMeasure, ...] = ()
    """How large each image is."""
    starts: tuple[StartMeasure, ...] = ()
    """Of images whose own health check passed."""
    notes: tuple[str, ...] = ()
    """What else was not looked at, and why: skipped results tell it themselves."""

    def failures(self) -> tuple[PolicyResult, ...]:
        """Return what speaks against a release."""
        return tuple(result for result in self.results if result.failed)

    def not_looked_at(self) -> tuple[str, ...]:
        """Return one line for each reason why a rule was not held against some images."""
        places: dict[tuple[str, str], list[str]] = {}
        for result in self.results:
            if result.outcome is PolicyOutcome.SKIPPED:
                place = " ".join(filter(None, (result.image, result.platform)))
                places.setdefault((result.rule, result.message), []).append(place)
        return tuple(
            f"policy {rule} of {', '.join(where)}: {message}"
            for (rule, message), where in sorted(places.items())
        )

    def counts(self) -> Mapping[str, int]:
        """Return the number of results by outcome, zeroes included."""
        counts = {outcome.value: 0 for outcome in PolicyOutcome}
        for result in self.results:
            counts[result.outcome.value] += 1
        return counts
