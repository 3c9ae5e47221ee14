"""The form of `report.json`: a public promise, with a version of its own.

Optional parts are null when their stage was skipped or did not come that far; lists are empty only
when there was nothing to list.
"""

from datetime import date, datetime
from typing import Any, Literal

from keelway.report.load_part import LoadPart
from keelway.report.notification_part import NotificationPart
from keelway.report.origin_part import CommitPart, JobPart, TagPart, UnusedRulePart
from keelway.report.part import Part, ToolPart
from keelway.report.policy_part import PolicyPart
from keelway.report.sbom_part import SbomPart
from keelway.report.tests_part import TestsPart
from keelway.report.timing_part import TimingsPart

SCHEMA_VERSION = 1

Outcome = Literal["ok", "refused", "failed", "cancelled"]
StageStatus = Literal["ok", "skipped", "failed", "cancelled"]
Level = Literal["critical", "high", "medium", "low", "unknown"]


class EnginePart(Part):
    """The engine that did the work."""

    name: str
    reason: str
    """Why this one."""
    version: str


class ItemPart(Part):
    """One of the things that a stage works on side by side: an image for a platform, a suite."""

    name: str
    status: StageStatus
    began_s: float
    """Seconds after the run began."""
    seconds: float


class StagePart(Part):
    """One stage, in the order in which they began."""

    name: str
    status: StageStatus
    started_at: datetime
    seconds: float | None
    reason: str | None
    """Why it was skipped."""
    error: str | None
    """What went wrong, in one line."""
    items: tuple[ItemPart, ...] = ()
    """In the order in which they ended."""


class StepsPart(Part):
    """The engine's own steps, counted."""

    run: int
    cached: int
    failed: int


class CountsPart(Part):
    """Findings by severity."""

    critical: int
    high: int
    medium: int
    low: int
    unknown: int


class FindingPart(Part):
    """One finding."""

    kind: Literal["vulnerability", "misconfiguration", "secret", "license"]
    id: str
    severity: Level
    title: str
    where: str
    package: str | None
    version: str | None
    fixed_in: str | None
    url: str | None
    purl: str | None
    """The package's URL."""
    published: date | None
    """When the vulnerability became known."""
    epss: float | None
    """Probability of exploitation in the next 30 days, 0 to 1."""
    known_exploited: bool
    found_by: tuple[str, ...]
    """The scanners that found it, where several looked."""


class SecondOpinionPart(Part):
    """What another scanner found in the same image."""

    tool: ToolPart
    found: int
    """How many things it found."""
    alone: int
    """How many of them no scanner before it had found."""
    database_built_at: datetime | None
    report: str
    """Its full report, relative to this file."""


class TargetPart(Part):
    """What was found in one image for one platform."""

    image: str
    platform: str
    image_id: str
    """The digest of the image's config."""
    counts: CountsPart
    findings: tuple[FindingPart, ...]
    """Worst first."""
    report: str
    """The scanner's full report, relative to this file."""
    second_opinions: tuple[SecondOpinionPart, ...]
    """Of scanners that looked too; their findings are among those above."""


class ScanPart(Part):
    """The scan."""

    tool: ToolPart | None
    scanners: tuple[str, ...]
    counts: CountsPart
    notes: tuple[str, ...]
    """What was not looked at, and why."""
    targets: tuple[TargetPart, ...]


class BreachPart(Part):
    """One thing that the gate refuses."""

    image: str
    platform: str | None
    id: str
    """The finding's id, the policy's rule, the failed test, or the condition."""
    because: str
    """The part of the gate's rule that it breaks."""
    text: str
    """All of it on one line."""


class ExceptedPart(Part):
    """One thing that passed by an exception."""

    image: str
    platform: str | None
    id: str
    reason: str
    owner: str
    expires: date


class VerdictPart(Part):
    """What the gate said."""

    passed: bool
    rule: str
    """What it refuses."""
    breaches: tuple[BreachPart, ...]
    """Worst first."""
    excepted: tuple[ExceptedPart, ...]
    warnings: tuple[str, ...]
    not_judged: tuple[str, ...]


class EvidencePart(Part):
    """One signature or statement, as it is kept beside an image."""

    image: str
    platform: str | None
    """Null for the index."""
    subject: str
    """The digest that it is about."""
    predicate_type: str
    reference: str
    """The manifest that holds it."""
    layout: Literal["referrer", "legacy"]
    fallback_tag: bool
    """Listed by a tag, since the registry has no referrers API."""


class SignedPart(Part):
    """Signatures, or statements under them."""

    signer: str
    tool: ToolPart
    evidence: tuple[EvidencePart, ...]
    notes: tuple[str, ...]
    verify_with: tuple[str, ...] = ()
    """What `cosign verify` must be told before the image's reference."""


class BuiltPart(Part):
    """One image that was built."""

    name: str
    platforms: tuple[str, ...]


class PublishedPart(Part):
    """One image that is in the registries."""

    name: str
    digest: str
    """Of the index, the same under every tag."""
    platforms: tuple[str, ...]
    references: tuple[str, ...]
    """Each tag with its digest."""


class FilePart(Part):
    """One file for other programs."""

    kind: Literal[
        "junit", "sarif", "gitlab-container-scanning", "digests", "markdown", "log", "html", "badge"
    ]
    path: str
    """Relative to this file."""
    image: str | None = None
    platform: str | None = None
    category: str | None = None
    """Under which a code-scanning service keeps it apart."""
    left_out: int = 0
    """Results that are not in it, for it may hold so many only; the least severe."""


class ErrorPart(Part):
    """Why the run did not end well."""

    type: str
    message: str
    diagnostics: str
    """What happened, why, and what to do next."""


class ReportDocument(Part):
    """One run of keelway, whatever became of it."""

    schema_version: Literal[1]
    keelway: str
    """The version of keelway."""
    project: str
    outcome: Outcome
    exit_code: int
    started_at: datetime
    seconds: float
    engine: EnginePart | None
    version: str | None = None
    """The version that the images carry: the first tag."""
    commit: CommitPart | None = None
    """What was built; null outside of git."""
    job: JobPart | None = None
    """The CI's job; null on a person's machine."""
    tags: tuple[str, ...]
    """The tags that were planned."""
    tag_rules: tuple[TagPart, ...] = ()
    """The same tags, each with the rule that gave it."""
    unused_rules: tuple[UnusedRulePart, ...] = ()
    """The rules that gave none, and why."""
    stages: tuple[StagePart, ...]
    steps: StepsPart
    timings: TimingsPart | None = None
    """When the engine's steps worked."""
    images: tuple[BuiltPart, ...] | None
    policy: PolicyPart | None
    scan: ScanPart | None
    sbom: SbomPart | None
    tests: TestsPart | None
    load: LoadPart | None
    verdict: VerdictPart | None
    published: tuple[PublishedPart, ...] | None
    """What is in the registries, also when something else failed."""
    missing: tuple[str, ...] = ()
    """What is in a fall-back alone, since its own registry did not answer: with the reason."""
    signatures: SignedPart | None
    attestations: SignedPart | None
    files: tuple[FilePart, ...]
    """What was written beside this file, for other programs and for people."""
    notifications: tuple[NotificationPart, ...] | None = None
    """Who was told how it ended; null where nobody is to be."""
    error: ErrorPart | None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of `report.json`."""
    from keelway.model.described import describe_schema  # noqa: PLC0415 - not for a report

    schema = ReportDocument.model_json_schema(mode="serialization")
    describe_schema(schema, ReportDocument)
    return schema
