"""The reports for people, written beside report.json and made again from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from keelway.errors import KeelwayError
from keelway.report.forms import Form
from keelway.report.pages import rendered, write_pages, write_reports
from keelway.report.reading import read_report
from tests.support.sample_report import delivered_report, sample_report

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_all_beside_report_json(tmp_path: Path) -> None:
    whole = write_reports(delivered_report(), str(tmp_path))
    named = {file.path for file in whole.files if file.kind in {"html", "markdown", "badge"}}
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {".gitignore", "report.json", *named}
    assert {"report.html", "report.md", "badges/gate.svg", "badges/gate.json"} <= named


def test_they_can_be_made_again_from_report_json_alone(tmp_path: Path) -> None:
    write_reports(sample_report(hostile=True), str(tmp_path / "run"))
    read = read_report(tmp_path / "run" / "report.json")
    written = write_pages(read, (Form.HTML, Form.MARKDOWN, Form.BADGE), str(tmp_path / "again"))
    for path in written:
        first = tmp_path / "run" / path.relative_to(tmp_path / "again")
        assert path.read_text() == first.read_text()


def test_the_junit_of_a_report_has_everything_that_failed() -> None:
    (text,) = rendered(sample_report(hostile=True), Form.JUNIT).values()
    root = ET.fromstring(text)  # noqa: S314 - made here
    failed = {
        suite.get("name", ""): int(suite.get("failures", "0")) for suite in root.iter("testsuite")
    }
    assert failed["orders (linux/amd64)"] == 1
    assert failed["gate"] == 2
    assert sum(failed.values()) == 1 + 1 + 2 + 2, "policy, tests, load, gate"
    assert "pa55word" not in text


def test_a_report_of_an_older_version_is_read(tmp_path: Path) -> None:
    data = json.loads(sample_report().model_dump_json())
    for key in ("version", "commit", "job", "tag_rules", "unused_rules", "timings"):
        del data[key]
    for measure in data["policy"]["measures"]:
        del measure["by_layer"]
    for result in data["policy"]["results"]:
        del result["output"], result["next_step"], result["seconds"]
    del data["sbom"]["packages"]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(data))
    for form in Form:
        assert rendered(read_report(file), form)


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "Invalid JSON"), ('{"schema_version": 2}', "schema_version"), ("[]", "object")],
    ids=["no JSON", "a later version", "no object"],
)
def test_what_is_no_report_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(KeelwayError, match="no report of this version") as caught:
        read_report(file)
    assert why in caught.value.diagnostics()


def test_half_a_character_does_not_keep_a_report_from_being_written(tmp_path: Path) -> None:
    report = sample_report().model_copy(update={"project": "sh\ud83dop"})
    (path,) = write_pages(report, (Form.HTML,), str(tmp_path))
    assert "sh?op" in path.read_text()
