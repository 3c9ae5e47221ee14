"""The reports for other programs: JUnit, Markdown, SARIF, GitLab's format, digests.

Written whatever became of the run, from what was known at its end: a gate that says no leaves them
all. What an earlier run left, and this one has nothing to say of, is removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._kept import make_directory, stem
from keelway._replacing import replace_file
from keelway.errors import KeelwayError
from keelway.report.digests import digest_lines
from keelway.report.document import FilePart
from keelway.report.gitlab import gitlab_report
from keelway.report.junit import JUNIT_FILE, policy_junit
from keelway.report.load_junit import LOAD_JUNIT_FILE, load_junit
from keelway.report.load_markdown import LOAD_MARKDOWN_FILE, load_markdown
from keelway.report.sarif import category, sarif_log
from keelway.report.tests_files import (
    TESTS_JUNIT_FILE,
    TESTS_MARKDOWN_FILE,
    tests_junit,
    tests_markdown,
)
from keelway.report.told import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from keelway.model.findings import Findings, Kind
    from keelway.model.load import LoadReport
    from keelway.model.policy import PolicyReport
    from keelway.model.published import Published
    from keelway.model.tests import TestResults
    from keelway.model.verdict import Verdict
    from keelway.report.told import ToldImage

GITLAB_FILE = "gl-container-scanning-report.json"
DIGESTS_FILE = "digests.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a run knows at its end."""

    policy: PolicyReport | None
    findings: Findings | None
    verdict: Verdict | None
    published: Published | None
    load: LoadReport | None = None
    scan_began: datetime
    scan_ended: datetime
    version: str
    """Keelway's."""
    tests: TestResults | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file to be written."""

    part: FilePart
    text: str


def write_files(known: Known, kinds: Iterable[Kind], directory: str) -> tuple[FilePart, ...]:
    """Write what other programs read, each file whole or not at all, and return what there is.

    Args:
        known: What the run knows.
        kinds: The kinds of findings that the gate looks at.
        directory: The report directory.

    Raises:
        KeelwayError: When the directory cannot be written to.
    """
    root = Path(directory)
    files = tuple(_files(known, kinds))
    try:
        _remove_stale(root, {root / file.part.path for file in files})
        for file in files:
            make_directory(root)
            target = root / file.part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, file.text)
    except OSError as error:
        raise KeelwayError(
            f"cannot write to {root}: {error.strerror}",
            next_step="make the report directory writable, or set another one under [report]",
        ) from error
    return (*(file.part for file in files), *_logs(known))


def _remove_stale(root: Path, written: set[Path]) -> None:
    known = [
        root / JUNIT_FILE,
        root / LOAD_JUNIT_FILE,
        root / LOAD_MARKDOWN_FILE,
        root / GITLAB_FILE,
        root / DIGESTS_FILE,
        root / TESTS_JUNIT_FILE,
        root / TESTS_MARKDOWN_FILE,
        *(root / "scan").glob("*.sarif"),
    ]
    for path in known:
        if path not in written:
            path.unlink(missing_ok=True)


def _files(known: Known, kinds: Iterable[Kind]) -> Iterator[_File]:
    if known.policy is not None:
        part = FilePart(kind="junit", path=JUNIT_FILE)
        yield _File(part=part, text=policy_junit(known.policy))
    if known.tests is not None:
        part = FilePart(kind="junit", path=TESTS_JUNIT_FILE)
        yield _File(part=part, text=tests_junit(known.tests))
        part = FilePart(kind="markdown", path=TESTS_MARKDOWN_FILE)
        yield _File(part=part, text=tests_markdown(known.tests))
    if known.load is not None:
        part = FilePart(kind="junit", path=LOAD_JUNIT_FILE)
        yield _File(part=part, text=load_junit(known.load))
        part = FilePart(kind="markdown", path=LOAD_MARKDOWN_FILE)
        yield _File(part=part, text=load_markdown(known.load))
    if known.findings is not None:
        images = tell(known.findings, known.verdict, kinds)
        for image in images:
            yield _sarif(image, known.version)
        report = gitlab_report(
            images, version=known.version, began=known.scan_began, ended=known.scan_ended
        )
        part = FilePart(kind="gitlab-container-scanning", path=GITLAB_FILE)
        yield _File(part=part, text=_json(report))
    if known.published is not None and known.published.images:
        part = FilePart(kind="digests", path=DIGESTS_FILE)
        yield _File(part=part, text=digest_lines(known.published))


def _logs(known: Known) -> Iterator[FilePart]:
    """Return the logs of tests and services, which were written when the services had ended."""
    for suite in known.tests.suites if known.tests is not None else ():
        logs = [suite.log, *(fault.log for fault in suite.faults)]
        for log in (*logs, *(service.log for service in suite.services)):
            if log is not None:
                yield FilePart(kind="log", path=log, platform=suite.platform, category=suite.name)


def _sarif(image: ToldImage, version: str) -> _File:
    log = sarif_log(image, version=version)
    part = FilePart(
        kind="sarif",
        path=f"scan/{stem(image.image, image.platform)}.sarif",
        image=image.image,
        platform=image.platform,
        category=category(image.image, image.platform),
        left_out=log.left_out,
    )
    return _File(part=part, text=_json(log.document))


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
