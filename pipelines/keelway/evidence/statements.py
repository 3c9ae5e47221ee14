"""Everything that is stated about what was published, out of what the stages found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import anyio

from keelway.errors import StageError
from keelway.evidence.predicates.provenance import provenance
from keelway.evidence.predicates.scanned import scanned
from keelway.evidence.predicates.summary import summary
from keelway.evidence.predicates.tested import tested
from keelway.evidence.predicates.vex import image_purl, openvex
from keelway.model.evidence import PredicateType, Statement, Subject
from keelway.model.outcome import Skipped
from keelway.model.sbom import SbomFormat
from keelway.registry.content import json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keelway.model.evidence import Evidence
    from keelway.model.findings import ImageFindings, SecondOpinion
    from keelway.model.provenance import Builder, Origin
    from keelway.model.tool import ToolVersion
    from keelway.model.verdict import Verified

_SBOMS = {
    "spdx": (SbomFormat.SPDX_JSON, PredicateType.SPDX),
    "cyclonedx": (SbomFormat.CYCLONEDX_JSON, PredicateType.CYCLONEDX),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What statements are made of, beside what the stages found."""

    predicates: Sequence[str]
    origins: Mapping[str, Origin]
    builder: Builder
    signer: str
    directory: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Statements, and what is missing among them."""

    statements: tuple[Statement, ...]
    notes: tuple[str, ...]


async def gather(gathered: Gathered, subjects: Sequence[Subject], verified: Verified) -> Made:
    """Return all statements but the summary, which names the others.

    Raises:
        StageError: A kept report is missing or was changed since it was written.
    """
    made: list[Statement] = []
    notes: list[str] = []
    if "provenance" in gathered.predicates:
        made += _provenances(gathered, subjects, verified)
    for name in ("spdx", "cyclonedx"):
        if name in gathered.predicates:
            made += await _sboms(gathered, subjects, verified, name, notes)
    if "vulnerabilities" in gathered.predicates:
        made += await _scans(gathered, subjects, verified, notes)
    if "openvex" in gathered.predicates:
        made += _vex(gathered, subjects, verified)
    if "test-result" in gathered.predicates:
        made += _tests(subjects, verified, notes)
    return Made(statements=tuple(made), notes=tuple(notes))


def summaries(
    gathered: Gathered,
    subjects: Sequence[Subject],
    verified: Verified,
    evidence: Iterable[Evidence],
) -> list[Statement]:
    """Return the gate's verdict for each digest, with the evidence that it rests on."""
    kept = list(evidence)
    return [
        Statement(
            subject=subject,
            predicate_type=PredicateType.VERIFICATION_SUMMARY,
            predicate=summary(
                version=_own_version(),
                resource=f"{subject.repositories[0]}@{subject.digest}",
                rule=verified.verdict.rule,
                builder=gathered.builder,
                inputs=[one for one in kept if one.subject.digest == subject.digest],
                epoch=gathered.epoch,
            ),
        )
        for subject in subjects
    ]


def _provenances(
    gathered: Gathered, subjects: Sequence[Subject], verified: Verified
) -> list[Statement]:
    tools = list(_tools(verified))
    return [
        Statement(
            subject=subject,
            predicate_type=PredicateType.PROVENANCE,
            predicate=provenance(
                gathered.origins[subject.image], gathered.builder, tools=tools, epoch=gathered.epoch
            ),
        )
        for subject in subjects
        if subject.image in gathered.origins
    ]


def _tools(verified: Verified) -> Iterable[ToolVersion]:
    if not isinstance(verified.findings, Skipped):
        for target in verified.findings.targets:
            yield from (target.tool, *(second.tool for second in target.second_opinions))
    if not isinstance(verified.sboms, Skipped):
        yield verified.sboms.tool


async def _sboms(
    gathered: Gathered,
    subjects: Sequence[Subject],
    verified: Verified,
    name: str,
    notes: list[str],
) -> list[Statement]:
    if isinstance(verified.sboms, Skipped):
        notes.append(f"no {name} statement: {verified.sboms.reason}")
        return []
    form, predicate_type = _SBOMS[name]
    made: list[Statement] = []
    for subject in subjects:
        for document in verified.sboms.documents:
            same = (document.image, document.platform) == (subject.image, subject.platform)
            if same and document.format is form:
                text = await _kept(gathered.directory, document.path, document.sha256)
                predicate = json_object(text)
                made.append(
                    Statement(subject=subject, predicate_type=predicate_type, predicate=predicate)
                )
    return made


async def _scans(
    gathered: Gathered, subjects: Sequence[Subject], verified: Verified, notes: list[str]
) -> list[Statement]:
    if isinstance(verified.findings, Skipped):
        notes.append(f"no vulnerabilities statement: {verified.findings.reason}")
        return []
    made: list[Statement] = []
    for subject in subjects:
        for target in verified.findings.targets:
            if (target.image, target.platform) != (subject.image, subject.platform):
                continue
            scans: tuple[ImageFindings | SecondOpinion, ...] = (target, *target.second_opinions)
            for one in scans:
                text = await _kept(gathered.directory, one.report)
                predicate = scanned(
                    one.tool, one.database, text, gathered.builder, epoch=gathered.epoch
                )
                made.append(
                    Statement(
                        subject=subject,
                        predicate_type=PredicateType.VULNERABILITIES,
                        predicate=predicate,
                    )
                )
    return made


def _vex(gathered: Gathered, subjects: Sequence[Subject], verified: Verified) -> list[Statement]:
    made: list[Statement] = []
    for subject in subjects:
        granted: dict[Any, list[str]] = {}
        for excepted in verified.verdict.excepted:
            here = excepted.image == subject.image and subject.platform in {None, excepted.platform}
            if here and excepted.exemption.vex_status is not None:
                parts = granted.setdefault(excepted.exemption, [])
                purl = getattr(excepted.what, "purl", None)
                if purl is not None and purl not in parts:
                    parts.append(purl)
        document = openvex(
            granted.items(),
            products=[image_purl(name, subject.digest) for name in subject.repositories],
            author=gathered.signer,
            epoch=gathered.epoch,
        )
        if document is not None:
            made.append(
                Statement(subject=subject, predicate_type=PredicateType.OPENVEX, predicate=document)
            )
    return made


def _tests(subjects: Sequence[Subject], verified: Verified, notes: list[str]) -> list[Statement]:
    policy, suites = verified.policy, verified.tests
    if isinstance(policy, Skipped) and isinstance(suites, Skipped):
        notes.append(f"no test-result statement: {policy.reason}")
        return []
    made: list[Statement] = []
    for subject in subjects:
        results = [
            result
            for result in (() if isinstance(policy, Skipped) else policy.results)
            if result.image == subject.image
            and (subject.platform is None or result.platform in {None, subject.platform})
        ]
        ran = () if isinstance(suites, Skipped) else suites.of(subject.image, subject.platform)
        decided = sorted({result.rule for result in results} | {suite.name for suite in ran})
        predicate = tested(
            results, ran, configuration=hashlib.sha256("\n".join(decided).encode()).hexdigest()
        )
        made.append(
            Statement(
                subject=subject, predicate_type=PredicateType.TEST_RESULT, predicate=predicate
            )
        )
    return made


async def _kept(directory: str, name: str, digest: str | None = None) -> str:
    """Return a kept report, as it was when it was written."""
    path = anyio.Path(directory) / PurePosixPath(name)
    try:
        data = await path.read_bytes()
    except OSError as error:
        raise StageError(
            f"the report {name} is gone",
            stage="attest",
            why=error.strerror,
            next_step="run again; nothing else may write to the report directory meanwhile",
        ) from error
    if digest is not None and f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise StageError(
            f"the report {name} was changed since it was written",
            stage="attest",
            next_step="run again; nothing else may write to the report directory meanwhile",
        )
    return data.decode()


def _own_version() -> str:
    try:
        return version("keelway")
    except PackageNotFoundError:
        return "unknown"
