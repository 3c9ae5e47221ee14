"""The gate's answer, and the proof that it was yes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.model.findings import Finding
from keelway.model.outcome import Skipped
from keelway.model.policy import PolicyResult
from keelway.model.tests import FailedTest

if TYPE_CHECKING:
    from keelway.model.exemption import Exemption
    from keelway.model.findings import Findings
    from keelway.model.image import Images
    from keelway.model.load import LoadReport
    from keelway.model.platform import Platform
    from keelway.model.policy import PolicyReport
    from keelway.model.sbom import Sboms
    from keelway.model.tests import TestResults


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What speaks against a release without being a finding: an old database, an OS at its end."""

    id: str
    """`end-of-life`, `database-age`, `unused-exception`, `load-threshold`, `load-regression`."""
    text: str
    """What is so, for people."""
    where: str | None = None
    """What an exception may name as its path: the threshold."""


Judged = Finding | PolicyResult | FailedTest | Condition
"""What the gate judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that the gate does not let through."""

    image: str
    """The image, or the suite whose test failed."""
    platform: Platform | None
    """Nothing for what holds for all platforms."""
    what: Judged
    """What speaks against it."""
    because: str
    """The part of the rule that it breaks: `severity`, `epss`, `kev`, `policy`, `tests`, ..."""

    @property
    def id(self) -> str:
        """Return what an exception would name."""
        return self.what.rule if isinstance(self.what, PolicyResult) else self.what.id

    def __str__(self) -> str:
        """Return the breach on one line."""
        place = self.image if self.platform is None else f"{self.image} {self.platform}"
        match self.what:
            case Finding() as found:
                package = "" if found.package is None else f" in {found.package} "
                text = f"{found.severity.label} {found.kind} {found.id}{package}"
                text += (found.version or "") if package else ""
                why = "" if self.because == "severity" else f", {self.because}"
                return f"{text.rstrip()} ({found.where}; {place}{why})"
            case PolicyResult() as result:
                where = "" if result.where is None else f"{result.where}; "
                return f"policy {result.rule}: {result.message} ({where}{place})"
            case FailedTest() as test:
                return f"test {test.id}: {test.message} ({place})"
            case Condition() as condition:
                return f"{condition.id}: {condition.text} ({place})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """One thing that would stop the release, but for an exception."""

    image: str
    """The image, or the suite whose test failed."""
    platform: Platform | None
    """Nothing for what holds for all platforms."""
    what: Judged
    """What would have spoken against it."""
    exemption: Exemption
    """The exception that lets it pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate decided, and by which rule."""

    rule: str
    """In words: what would have been refused."""
    breaches: tuple[Breach, ...]
    """Worst first; empty when the images may pass."""
    not_judged: tuple[str, ...] = ()
    """What the gate could not look at because its stage was skipped, with the reason."""
    excepted: tuple[Excepted, ...] = ()
    """What was let through by an exception."""
    warnings: tuple[str, ...] = ()
    """What should be looked after: exceptions that match nothing, or hold no more."""

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
    """What was judged: nothing else can be published."""
    policy: PolicyReport | Skipped
    """How they stand to the rules."""
    findings: Findings | Skipped
    """What scanners found."""
    sboms: Sboms | Skipped
    """What is in them."""
    verdict: Verdict
    """What the gate said."""
    tests: TestResults | Skipped = Skipped("no tests were given")  # noqa: RUF009 - frozen
    """What the suites said."""
    load: LoadReport | Skipped | None = None
    """Nothing where nobody asked for a load test."""

    def __post_init__(self) -> None:
        """Refuse to exist for images that did not pass.

        Raises:
            ValueError: When the verdict is no.
        """
        if not self.verdict.passed:
            raise ValueError("a verdict that says no proves nothing")
