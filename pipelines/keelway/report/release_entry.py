"""A release as an entry of the history: that it has started, and how it ended. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.errors import KeelwayError, redact
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.tags.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from keelway.model.history import Actor
    from keelway.report.document import ReportDocument


def release_started(project: str, version: str | None, actor: Actor, at: datetime) -> HistoryEntry:
    """Return the entry that a release has started.

    Args:
        project: The project's name.
        version: Its first tag.
        actor: Who does it.
        at: When.
    """
    return HistoryEntry(
        at=at,
        event=DeliveryEvent.RELEASE,
        outcome=DeliveryOutcome.STARTED,
        project=project,
        environment="",
        version=version or "",
        images={},
        actor=actor,
    )


def release_ended(
    started: HistoryEntry, document: ReportDocument, *, at: datetime, error: Exception | None = None
) -> HistoryEntry:
    """Return the entry that tells how a release ended.

    Args:
        started: That it has started.
        document: What its report tells.
        at: When it ended.
        error: What stopped it.
    """
    return replace(
        started,
        at=at,
        outcome=DeliveryOutcome.SUCCEEDED if error is None else DeliveryOutcome.FAILED,
        images=dict(_images(document)),
        evidence=tuple(_evidence(document)),
        duration_s=(at - started.at).total_seconds(),
        reason=None if error is None else redact(_reason(error)),
    )


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, KeelwayError) else f"{type(error).__name__}: {error}"


def _images(document: ReportDocument) -> Iterator[tuple[str, str]]:
    for image in document.published or ():
        if image.references:
            reference = parse_reference(image.references[0])
            yield image.name, f"{reference.repository}@{image.digest}"


def _evidence(document: ReportDocument) -> Iterator[str]:
    if document.verdict is not None and document.verdict.passed:
        yield f"the gate passed it: {document.verdict.rule}"
    if document.signatures is not None:
        yield f"signed by {document.signatures.signer}"
    if document.attestations is not None:
        kinds = {one.predicate_type for one in document.attestations.evidence}
        yield f"{len(kinds)} kinds of statements are beside it"
