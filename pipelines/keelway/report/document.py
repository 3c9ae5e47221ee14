"""The form of `report.json`: a public promise, with a version of its own.

Optional parts are null when their stage was skipped or did not come that far; lists are empty only
when there was nothing to list.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

Outcome = Literal["ok", "refused", "failed", "cancelled"]
StageStatus = Literal["ok", "skipped", "failed", "cancelled"]
OutcomeName = Literal["passed", "failed", "warned", "skipped"]
Level = Literal["critical", "high", "medium", "low", "unknown"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EnginePart(_Part):
    """The engine that did the work."""

    name: str
    reason: str
    """Why this one."""
    version: str


class StagePart(_Part):
    """One stage, in the order in which they began."""

    name: str
    status: StageStatus
    started_at: datetime
    seconds: float | None
    reason: str | None
    """Why it was skipped."""
    error: str | None
    """What went wrong, in one line."""


class StepsPart(_Part):
    """The engine's own steps, counted."""

    run: int
    cached: int
    failed: int


class ToolPart(_Part):
    """An external tool as it was when it ran."""

    name: str
    version: str
    source: str
    """`host`, or the image's reference."""


class CountsPart(_Part):
    """Findings by severity."""

    critical: int
    high: int
    medium: int
    low: int
    unknown: int


class FindingPart(_Part):
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


class SecondOpinionPart(_Part):
    """What another scanner found in the same image."""

    tool: ToolPart
    found: int
    """How many things it found."""
    alone: int
    """How many of them no scanner before it had found."""
    database_built_at: datetime | None
    report: str
    """Its full report, relative to this file."""


class TargetPart(_Part):
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


class ScanPart(_Part):
    """The scan."""

    tool: ToolPart | None
    scanners: tuple[str, ...]
    counts: CountsPart
    notes: tuple[str, ...]
    """What was not looked at, and why."""
    targets: tuple[TargetPart, ...]


class DocumentPart(_Part):
    """One SBOM."""

    image: str
    platform: str
    format: Literal["spdx-json", "cyclonedx-json"]
    path: str
    """Relative to this file."""
    sha256: str
    """Of the document's bytes."""
    subject: str
    """The digest of the manifest of what was catalogued."""
    packages: int


class SbomPart(_Part):
    """The SBOMs."""

    tool: ToolPart
    documents: tuple[DocumentPart, ...]


class MeasurePart(_Part):
    """How large an image is for one platform, in bytes."""

    image: str
    platform: str
    size_bytes: int
    layers: int
    largest_layer_bytes: int
    wasted_bytes: int
    compressed_bytes: int


class StartPart(_Part):
    """How an image started and stopped on one platform; times in milliseconds."""

    image: str
    platform: str
    healthy_ms: int
    memory_bytes: int
    """The most that its processes held, added up."""
    stopped_ms: int | None
    """After its stop signal; null when it had to be killed."""
    noticed_ms: int | None
    """How long its health check took to fail once it was gone; null when it never did."""
    emulated: bool
    """Its programs are another machine's: times and memory are the emulator's too."""


class RulePart(_Part):
    """One rule of the policy, held against one image."""

    rule: str
    outcome: OutcomeName
    image: str
    platform: str | None
    message: str
    where: str | None


class PolicyPart(_Part):
    """The policy."""

    results: tuple[RulePart, ...]
    """Failed ones first."""
    measures: tuple[MeasurePart, ...]
    starts: tuple[StartPart, ...]
    """Of images whose own health check passed."""
    notes: tuple[str, ...]


class CasePart(_Part):
    """One test."""

    name: str
    classname: str
    status: Literal["passed", "failed", "error", "skipped"]
    seconds: float
    message: str


class ServicePart(_Part):
    """One service beside the tests, as it stood when they had ended."""

    name: str
    state: str
    """`running`, `healthy`, `unhealthy`, `exited`, `blocked`, ..."""
    code: int | None
    """The exit code of its command, if it ended by itself."""
    why: str
    health: str
    """What its health check said the last times."""
    restarts: int
    events: tuple[str, ...]
    log: str | None
    """All it wrote, relative to this file."""
    tail: str
    """The last lines of that."""


class SuitePart(_Part):
    """One test suite, run once."""

    name: str
    platform: str | None
    """Of the images that were tested; null for the engine's own."""
    images: tuple[str, ...]
    """The images of this build that took part."""
    code: int | None
    """The exit code of the tests' command; null when it was never started."""
    seconds: float
    log: str | None
    cases: tuple[CasePart, ...]
    services: tuple[ServicePart, ...]


class TestsPart(_Part):
    """The integration tests."""

    __test__: ClassVar[bool] = False

    suites: tuple[SuitePart, ...]
    notes: tuple[str, ...]
    """What the compose files ask for and was not done."""


class LoadMeasurePart(_Part):
    """How the services answered under load; times in milliseconds."""

    counted: Literal["http", "grpc", "iterations"]
    """Whose times these are."""
    requests: int
    error_rate: float
    """0 to 1."""
    throughput: float
    """Requests in a second."""
    avg_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    checks_passed: int
    checks_failed: int


class ThresholdPart(_Part):
    """One threshold of a load test."""

    metric: str
    expression: str
    crossed: bool


class RegressionPart(_Part):
    """One figure, held against the last release."""

    figure: Literal["latency", "throughput", "error rate"]
    text: str
    crossed: bool


class LoadPart(_Part):
    """The load test."""

    script: str
    """As the configuration names it, or `probe`."""
    target: str
    tool: ToolPart
    measure: LoadMeasurePart
    released: LoadMeasurePart | None
    """What the last release measured."""
    thresholds: tuple[ThresholdPart, ...]
    regressions: tuple[RegressionPart, ...]
    marked: bool
    """The script itself called the test failed."""
    summary: str
    """The tool's own figures, relative to this file."""
    log: str
    """What it said, relative to this file."""
    notes: tuple[str, ...]


class BreachPart(_Part):
    """One thing that the gate refuses."""

    image: str
    platform: str | None
    id: str
    """The finding's id, the policy's rule, the failed test, or the condition."""
    because: str
    """The part of the gate's rule that it breaks."""
    text: str
    """All of it on one line."""


class ExceptedPart(_Part):
    """One thing that passed by an exception."""

    image: str
    platform: str | None
    id: str
    reason: str
    owner: str
    expires: date


class VerdictPart(_Part):
    """What the gate said."""

    passed: bool
    rule: str
    """What it refuses."""
    breaches: tuple[BreachPart, ...]
    """Worst first."""
    excepted: tuple[ExceptedPart, ...]
    warnings: tuple[str, ...]
    not_judged: tuple[str, ...]


class EvidencePart(_Part):
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


class SignedPart(_Part):
    """Signatures, or statements under them."""

    signer: str
    tool: ToolPart
    evidence: tuple[EvidencePart, ...]
    notes: tuple[str, ...]


class BuiltPart(_Part):
    """One image that was built."""

    name: str
    platforms: tuple[str, ...]


class PublishedPart(_Part):
    """One image that is in the registries."""

    name: str
    digest: str
    """Of the index, the same under every tag."""
    platforms: tuple[str, ...]
    references: tuple[str, ...]
    """Each tag with its digest."""


class FilePart(_Part):
    """One file for other programs."""

    kind: Literal["junit", "sarif", "gitlab-container-scanning", "digests", "markdown", "log"]
    path: str
    """Relative to this file."""
    image: str | None = None
    platform: str | None = None
    category: str | None = None
    """Under which a code-scanning service keeps it apart."""
    left_out: int = 0
    """Results that are not in it, for it may hold so many only; the least severe."""


class ErrorPart(_Part):
    """Why the run did not end well."""

    type: str
    message: str
    diagnostics: str
    """What happened, why, and what to do next."""


class ReportDocument(_Part):
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
    tags: tuple[str, ...]
    """The tags that were planned."""
    stages: tuple[StagePart, ...]
    steps: StepsPart
    images: tuple[BuiltPart, ...] | None
    policy: PolicyPart | None
    scan: ScanPart | None
    sbom: SbomPart | None
    tests: TestsPart | None
    load: LoadPart | None
    verdict: VerdictPart | None
    published: tuple[PublishedPart, ...] | None
    """What is in the registries, also when something else failed."""
    signatures: SignedPart | None
    attestations: SignedPart | None
    files: tuple[FilePart, ...]
    """What was written for other programs."""
    error: ErrorPart | None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of `report.json`."""
    return ReportDocument.model_json_schema(mode="serialization")
