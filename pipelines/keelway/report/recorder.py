"""Listens to a run and can tell, at any moment, everything that is known of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeVar

from keelway.errors import EXIT_INTERRUPTED, GateError, KeelwayError, redact
from keelway.model.events import (
    EngineChosen,
    Event,
    ItemEnded,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepStarted,
)
from keelway.model.evidence import Attestations, Signatures
from keelway.model.findings import Findings
from keelway.model.image import Images
from keelway.model.load import LoadReport
from keelway.model.outcome import Status
from keelway.model.policy import PolicyReport
from keelway.model.published import Published
from keelway.model.sbom import Sboms
from keelway.model.tests import TestResults
from keelway.model.told import Told
from keelway.model.verdict import Verdict, Verified
from keelway.report import parts
from keelway.report.document import (
    SCHEMA_VERSION,
    EnginePart,
    ErrorPart,
    FilePart,
    ItemPart,
    Outcome,
    ReportDocument,
    StagePart,
    StepsPart,
)
from keelway.report.files import Known
from keelway.report.notification_part import notification_parts
from keelway.report.origin_part import Origin
from keelway.report.policy_part import policy_part
from keelway.report.sbom_part import sbom_part
from keelway.report.timing_part import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

T = TypeVar("T")


@dataclass(slots=True)
class _Stage:
    """A stage as far as it came."""

    name: str
    started_at: datetime
    status: Status = Status.CANCELLED
    seconds: float | None = None
    reason: str | None = None
    error: str | None = None
    items: list[ItemPart] = field(default_factory=list[ItemPart])


class Recorder:
    """An observer that remembers."""

    def __init__(
        self,
        *,
        project: str,
        tags: Sequence[str],
        started_at: datetime,
        origin: Origin | None = None,
    ) -> None:
        """Begin with what is known before the run."""
        self._project = project
        self._tags = tuple(tags)
        self._origin = Origin() if origin is None else origin
        self._started_at = started_at
        self._engine: EngineChosen | None = None
        self._stages: dict[str, _Stage] = {}
        self._results: list[object] = []
        self._steps = {"run": 0, "cached": 0, "failed": 0}
        self._timings = Timings()
        self._lock = threading.Lock()

    def on(self, event: Event) -> None:
        """Remember what matters."""
        with self._lock:
            self._remember(event)

    def _remember(self, event: Event) -> None:
        match event:
            case EngineChosen():
                self._engine = event
            case StageStarted():
                self._stages[event.stage] = _Stage(event.stage, event.at)
            case StageSkipped():
                stage = _Stage(event.stage, event.at, Status.SKIPPED, reason=event.reason)
                self._stages[event.stage] = stage
            case StageEnded():
                self._end(event)
            case ItemEnded() if event.stage in self._stages:
                self._stages[event.stage].items.append(self._item(event))
            case StepStarted():
                self._timings.start(event)
            case StepEnded():
                self._timings.end(event)
                kind = "failed" if event.error is not None else "run"
                self._steps["cached" if event.cached else kind] += 1
            case _:
                pass

    def _end(self, event: StageEnded) -> None:
        stage = self._stages[event.stage]
        stage.status, stage.seconds = event.status, round(event.seconds, 3)
        if event.error is not None:
            stage.error = redact(str(event.error)).partition("\n")[0]
        if event.result is not None:
            self._results.append(event.result)

    def _item(self, event: ItemEnded) -> ItemPart:
        began = max(self._timings.now() - event.seconds, 0.0)
        return ItemPart(
            name=event.item,
            status=event.status.value,
            began_s=round(began, 3),
            seconds=round(event.seconds, 3),
        )

    def known(self, *, now: datetime) -> Known:
        """Return what the files for other programs are made of.

        Args:
            now: When the run ended.
        """
        with self._lock:
            scan = self._stages.get("scan")
            began = self._started_at if scan is None else scan.started_at
            took = None if scan is None else scan.seconds
            return Known(
                policy=self._result(PolicyReport),
                findings=self._result(Findings),
                tests=self._result(TestResults),
                load=self._result(LoadReport),
                verdict=self._verdict(),
                published=self._result(Published),
                scan_began=began,
                scan_ended=now if took is None else began + timedelta(seconds=took),
                version=_own_version(),
            )

    def document(
        self,
        *,
        now: datetime,
        error: BaseException | None = None,
        files: tuple[FilePart, ...] = (),
    ) -> ReportDocument:
        """Return everything that is known.

        Args:
            now: When the run ended.
            error: What ended it, if it did not end by itself.
            files: What was written for other programs.
        """
        with self._lock:
            return ReportDocument(
                schema_version=SCHEMA_VERSION,
                keelway=_own_version(),
                project=self._project,
                outcome=_outcome(error),
                exit_code=_exit_code(error),
                started_at=self._started_at,
                seconds=round((now - self._started_at).total_seconds(), 3),
                engine=_engine(self._engine),
                **dict(self._origin),
                tags=self._tags,
                stages=tuple(_stage(stage) for stage in self._stages.values()),
                steps=StepsPart(**self._steps),
                timings=self._timings.part(),
                images=parts.images(self._result(Images)),
                policy=policy_part(self._result(PolicyReport)),
                scan=parts.scan(self._result(Findings)),
                sbom=sbom_part(self._result(Sboms)),
                tests=parts.tests(self._result(TestResults)),
                load=parts.load(self._result(LoadReport)),
                verdict=parts.verdict(self._verdict()),
                published=parts.published(self._result(Published)),
                missing=parts.missing(self._result(Published)),
                signatures=parts.signatures(self._result(Signatures)),
                attestations=parts.attestations(self._result(Attestations)),
                files=files,
                notifications=notification_parts(self._last(Told)),
                error=_error(error),
            )

    def policy(self) -> PolicyReport | None:
        """Return what the policy found, if it came to its end."""
        with self._lock:
            return self._result(PolicyReport)

    def _result(self, kind: type[T]) -> T | None:
        return next((result for result in self._results if isinstance(result, kind)), None)

    def _last(self, kind: type[T]) -> T | None:
        return next((one for one in reversed(self._results) if isinstance(one, kind)), None)

    def _verdict(self) -> Verdict | None:
        verified = self._result(Verified)
        return self._result(Verdict) if verified is None else verified.verdict


def _own_version() -> str:
    try:
        return version("keelway")
    except PackageNotFoundError:
        return "unknown"


def _engine(chosen: EngineChosen | None) -> EnginePart | None:
    if chosen is None:
        return None
    return EnginePart(name=chosen.name, reason=chosen.reason, version=chosen.version)


def _stage(stage: _Stage) -> StagePart:
    return StagePart(
        name=stage.name,
        status=stage.status.value,
        started_at=stage.started_at,
        seconds=stage.seconds,
        reason=stage.reason,
        error=stage.error,
        items=tuple(stage.items),
    )


def _outcome(error: BaseException | None) -> Outcome:
    match error:
        case None:
            return "ok"
        case GateError():
            return "refused"
        case Exception():
            return "failed"
        case _:
            return "cancelled"


def _exit_code(error: BaseException | None) -> int:
    match error:
        case None:
            return 0
        case KeelwayError():
            return error.exit_code
        case Exception():
            return KeelwayError.exit_code
        case _:
            return EXIT_INTERRUPTED


def _error(error: BaseException | None) -> ErrorPart | None:
    if error is None:
        return None
    if isinstance(error, KeelwayError):
        message, diagnostics = redact(error.message), error.diagnostics()
    elif isinstance(error, Exception):
        message = diagnostics = redact(f"{type(error).__name__}: {error}")
    else:
        message = diagnostics = "interrupted"
    return ErrorPart(type=type(error).__name__, message=message, diagnostics=diagnostics)
