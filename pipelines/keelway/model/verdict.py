"""The gate's answer, and the proof that it was yes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.model.findings import Finding, Findings
    from keelway.model.image import Images
    from keelway.model.outcome import Skipped
    from keelway.model.platform import Platform
    from keelway.model.sbom import Sboms


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One finding that the gate does not let through."""

    image: str
    platform: Platform
    finding: Finding

    def __str__(self) -> str:
        """Return the breach on one line."""
        found = self.finding
        package = "" if found.package is None else f" in {found.package} {found.version or ''}"
        return (
            f"{found.severity.label} {found.kind} {found.id}{package.rstrip()} "
            f"({found.where}; {self.image} {self.platform})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate decided, and by which rule."""

    rule: str
    """In words: what would have been refused."""
    breaches: tuple[Breach, ...]
    """Worst first; empty when the images may pass."""
    not_judged: tuple[str, ...] = ()
    """What the gate could not look at because its stage was skipped, with the reason."""

    @property
    def passed(self) -> bool:
        """Whether the images may be published."""
        return not self.breaches

    def reasons(self) -> tuple[str, ...]:
        """Return one line for each breach."""
        return tuple(str(breach) for breach in self.breaches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The proof that these images passed the gate: what `publish` asks for, and `gate` gives."""

    images: Images
    findings: Findings | Skipped
    sboms: Sboms | Skipped
    verdict: Verdict

    def __post_init__(self) -> None:
        """Refuse to exist for images that did not pass.

        Raises:
            ValueError: When the verdict is no.
        """
        if not self.verdict.passed:
            raise ValueError("a verdict that says no proves nothing")
