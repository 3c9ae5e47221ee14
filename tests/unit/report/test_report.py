"""report.json: whole, true and valid, whatever became of the run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import jsonschema
import pytest

from keelway.errors import GateError, KeelwayError, PlanError, PublishError
from keelway.facts import Facts, find_job
from keelway.gating.judge import judge
from keelway.gating.rule import GateSpec
from keelway.model.events import (
    EngineChosen,
    ItemEnded,
    ItemStarted,
    StageEnded,
    StageSkipped,
    StageStarted,
    StepEnded,
    StepStarted,
)
from keelway.model.findings import (
    Database,
    Finding,
    Findings,
    ImageFindings,
    Kind,
    SecondOpinion,
    Severity,
)
from keelway.model.image import Digest
from keelway.model.outcome import Skipped, Status
from keelway.model.platform import AMD64, ARM64
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.model.sbom import Package, Sbom, SbomFormat, Sboms
from keelway.model.tool import ToolVersion
from keelway.report import parts
from keelway.report.document import ReportDocument, json_schema
from keelway.report.origin_part import origin_of
from keelway.report.recorder import Recorder
from keelway.report.sbom_part import sbom_part
from keelway.report.summary import summary
from keelway.report.timing_part import MOST_STEPS, Timings
from keelway.report.writing import write_report
from keelway.tags.commit import Commit
from keelway.tags.naming import name_release
from tests.support.built import DIGEST, TRIVY, findings, found

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
SCANNERS = ("trivy", "grype")
LATER = BEGAN + timedelta(seconds=4.25)
SBOMS = Sboms(
    documents=(
        Sbom(
            image="orders",
            platform=AMD64,
            format=SbomFormat.CYCLONEDX_JSON,
            path="sbom/orders-linux-amd64.cdx.json",
            sha256=DIGEST,
            packages=12,
            subject=DIGEST,
        ),
    ),
    tool=TRIVY,
)
TAG = PublishedTag(repository="localhost:5000/demo/orders", tag="1.0", digest=DIGEST)
PUBLISHED = Published(
    images=(PublishedImage(name="orders", digest=DIGEST, platforms=(AMD64,), tags=(TAG,)),)
)


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder(project="shop", tags=["1.0"], started_at=BEGAN)
    recorder.on(EngineChosen(name="local", reason="it is installed", version="v0.21.11"))
    return recorder


def end(
    recorder: Recorder, stage: str, result: object = None, error: Exception | None = None
) -> None:
    recorder.on(StageStarted(stage=stage, at=BEGAN))
    status = Status.OK if error is None else Status.FAILED
    recorder.on(
        StageEnded(stage=stage, at=LATER, seconds=4.25, status=status, result=result, error=error)
    )


def valid(document: ReportDocument) -> dict[str, object]:
    data: dict[str, object] = json.loads(document.model_dump_json())
    jsonschema.validate(data, json_schema(), jsonschema.Draft202012Validator)
    return data


def test_everything_that_is_known_is_in_it(recorder: Recorder) -> None:
    some = findings(found(Kind.SECRET, Severity.MEDIUM))
    end(recorder, "scan", some)
    end(recorder, "sbom", SBOMS)
    end(recorder, "gate", judge(GateSpec(), Skipped("no policy"), some, today=date(2026, 3, 1)))
    end(recorder, "publish", PUBLISHED)
    for cached in (True, True, False):
        recorder.on(StepEnded(step="1", cached=cached, seconds=1))
    document = recorder.document(now=LATER)
    valid(document)
    assert (document.outcome, document.exit_code, document.seconds) == ("ok", 0, 4.25)
    assert document.engine is not None
    assert document.engine.reason == "it is installed"
    assert document.scan is not None
    assert document.scan.targets[0].findings[0].severity == "medium"
    assert document.sbom is not None
    assert document.sbom.documents[0].format == "cyclonedx-json"
    assert document.verdict is not None
    assert document.verdict.passed
    assert document.published is not None
    assert document.published[0].references == (f"localhost:5000/demo/orders:1.0@{DIGEST}",)
    assert summary(document).splitlines() == [
        "found      1 medium",
        "listed     1 SBOM documents",
        "gate       passed",
        "           not judged: license findings: they are listed only",
        "           not judged: no policy results: the policy was skipped (no policy)",
        f"published  localhost:5000/demo/orders:1.0@{DIGEST}",
        "took       4.2 s; 2 of 3 steps cached (66 %)",
    ]


def test_a_gate_that_said_no_leaves_the_whole_evidence(recorder: Recorder) -> None:
    some = findings(found(Kind.SECRET, Severity.CRITICAL))
    verdict = judge(GateSpec(), Skipped("no policy"), some, today=date(2026, 3, 1))
    error = GateError("the gate refuses", verdict=verdict)
    end(recorder, "scan", some)
    end(recorder, "gate", error.partial, error)
    document = recorder.document(now=LATER, error=error)
    valid(document)
    assert (document.outcome, document.exit_code) == ("refused", 6)
    assert document.verdict is not None
    assert not document.verdict.passed
    assert document.verdict.breaches[0].id == "ID-1"
    assert document.verdict.breaches[0].because == "severity"
    assert document.scan is not None
    assert document.error is not None
    assert "refused: critical secret ID-1" in document.error.diagnostics


def test_what_was_published_before_a_failure_is_told(recorder: Recorder) -> None:
    error = PublishError("one failed", failed=["b: unauthorized"], done=[], partial=PUBLISHED)
    end(recorder, "publish", error.partial, error)
    document = recorder.document(now=LATER, error=error)
    valid(document)
    assert document.outcome == "failed"
    assert document.published is not None
    assert document.published[0].name == "orders"


def test_a_run_that_never_began_is_told_too(recorder: Recorder) -> None:
    document = recorder.document(now=LATER, error=PlanError("impossible"))
    valid(document)
    assert (document.exit_code, document.stages, document.images) == (3, (), None)


def test_ctrl_c_leaves_open_stages_cancelled(recorder: Recorder) -> None:
    recorder.on(StageStarted(stage="build", at=BEGAN))
    document = recorder.document(now=LATER, error=KeyboardInterrupt())
    valid(document)
    assert (document.outcome, document.exit_code) == ("cancelled", 130)
    assert [(stage.name, stage.status) for stage in document.stages] == [("build", "cancelled")]


def test_skipped_stages_say_why(recorder: Recorder) -> None:
    recorder.on(StageSkipped(stage="scan", reason="scan.enabled is false", at=BEGAN))
    document = recorder.document(now=LATER)
    assert "skipped    scan: scan.enabled is false" in summary(document)
    assert document.stages[0].reason == "scan.enabled is false"


def test_a_mistake_of_the_program_is_exit_code_1(recorder: Recorder) -> None:
    document = recorder.document(now=LATER, error=ZeroDivisionError("division by zero"))
    valid(document)
    assert document.exit_code == 1
    assert document.error is not None
    assert document.error.message == "ZeroDivisionError: division by zero"


def test_errors_are_redacted(recorder: Recorder) -> None:
    error = KeelwayError("cannot reach https://ci:pa55@registry.test/")
    end(recorder, "publish", None, error)
    assert "pa55" not in recorder.document(now=LATER, error=error).model_dump_json()


def test_it_is_written_whole(recorder: Recorder, tmp_path: Path) -> None:
    document = recorder.document(now=LATER)
    path = write_report(document, str(tmp_path / "new" / "reports"))
    assert ReportDocument.model_validate_json(path.read_text()) == document
    names = sorted(entry.name for entry in path.parent.iterdir())
    assert names == [".gitignore", "report.json"]
    assert (path.parent / ".gitignore").read_text() == "*\n", "reports make no tree dirty"


def test_a_directory_that_cannot_be_written_is_an_error(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeelwayError, match=r"cannot write .*report\.json"):
        write_report(recorder.document(now=LATER), str(tmp_path / "file"))


def test_second_opinions_are_in_the_report() -> None:
    trivy, grype = (ToolVersion(name=name, version="1", source="host") for name in SCANNERS)
    built_at = datetime(2026, 2, 1, tzinfo=UTC)
    opinion = SecondOpinion(
        tool=grype, report="scan/a.grype.json", found=3, alone=1,
        database=Database(built_at=built_at, source="mirror"),
    )  # fmt: skip
    finding = Finding(
        kind=Kind.VULNERABILITY, id="CVE-2023-4911", severity=Severity.HIGH, title="t", where="w",
        found_by=SCANNERS,
    )  # fmt: skip
    target = ImageFindings(
        image="orders", platform=AMD64, digest=Digest("sha256:0"), findings=(finding,),
        report="scan/a.trivy.json", tool=trivy, second_opinions=(opinion,),
    )  # fmt: skip
    told = parts.scan(Findings(targets=(target,), scanners=("vuln",)))
    assert told is not None
    (second,) = told.targets[0].second_opinions
    assert (second.tool.name, second.found, second.alone) == ("grype", 3, 1)
    assert (second.database_built_at, second.report) == (built_at, "scan/a.grype.json")
    assert told.targets[0].findings[0].found_by == SCANNERS


def test_packages_of_several_platforms_are_listed_once() -> None:
    bash = Package(name="bash", version="5.2", kind="deb", licenses=("GPL-3.0-or-later",))
    only = Package(name="libc6", version="2.36", kind="deb")
    documents = [
        replace(SBOMS.documents[0], platform=platform, format=form, contents=contents)
        for platform, contents in ((AMD64, (bash, bash, only)), (ARM64, (bash,)))
        for form in SbomFormat
    ]
    told = sbom_part(Sboms(documents=tuple(documents), tool=TRIVY))
    assert told is not None
    assert {package.name: package.found_in for package in told.packages} == {
        "bash": ("orders (linux/amd64)", "orders (linux/arm64)"),
        "libc6": ("orders (linux/amd64)",),
    }


def test_steps_and_items_tell_when_they_worked(recorder: Recorder) -> None:
    recorder.on(StageStarted(stage="build", at=BEGAN))
    recorder.on(ItemStarted(stage="build", item="orders (linux/amd64)"))
    recorder.on(StepStarted(step="1", name="fetch https://ci:pa55@example.org/"))
    recorder.on(StepEnded(step="1", cached=False, seconds=0.5, error="no route\nmore"))
    recorder.on(StepEnded(step="2", cached=True, seconds=0))
    ended = ItemEnded(stage="build", item="orders (linux/amd64)", seconds=1, status=Status.OK)
    recorder.on(ended)
    document = recorder.document(now=LATER)
    valid(document)
    assert [item.name for item in document.stages[0].items] == ["orders (linux/amd64)"]
    assert document.timings is not None
    first, second = document.timings.steps
    assert (first.name, first.error) == ("fetch https://***@example.org/", "no route")
    assert second.cached


def test_of_too_many_steps_the_longest_are_kept() -> None:
    timings = Timings()
    for number in range(MOST_STEPS + 7):
        timings.start(StepStarted(step=str(number), name=f"step {number}"))
        error = "exit code: 1" if number == 0 else None
        timings.end(StepEnded(step=str(number), cached=False, seconds=number, error=error))
    part = timings.part()
    assert (len(part.steps), part.left_out) == (MOST_STEPS, 7)
    kept = {step.name for step in part.steps}
    assert "step 0" in kept, "it failed"
    assert "step 1" not in kept


def test_it_tells_what_it_was_made_from() -> None:
    names = name_release(["type=raw,value=1.0", "type=ref,event=tag"], None)
    job = find_job({"GITLAB_CI": "true", "CI_JOB_URL": "https://example.com/1"})
    commit = Commit(sha="ab" * 20, committed_at=BEGAN, branch="main", dirty=True)
    origin = origin_of(names, Facts(commit=commit, job=job))
    recorder = Recorder(project="shop", tags=names.tags, started_at=BEGAN, origin=origin)
    document = recorder.document(now=LATER)
    valid(document)
    assert document.version == "1.0"
    assert document.commit is not None
    assert (document.commit.branch, document.commit.dirty) == ("main", True)
    assert document.job is not None
    assert document.job.provider == "GitLab CI/CD"
    assert [(one.tag, one.rule) for one in document.tag_rules] == [("1.0", "type=raw,value=1.0")]
    assert [one.rule for one in document.unused_rules] == ["type=ref,event=tag"]
