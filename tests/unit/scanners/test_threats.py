"""EPSS and CISA's catalogue, from files."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from keelway.errors import StageError
from keelway.scanners.threats import KEV_FILE, load_threats

if TYPE_CHECKING:
    from pathlib import Path

SCORES = "#model_version:v1,score_date:{day}T00:00:00Z\ncve,epss,percentile\n{row}\n"


def test_the_newest_scores_count(tmp_path: Path) -> None:
    for day, score in (("2026-01-30", "0.9"), ("2026-01-29", "0.1")):
        text = SCORES.format(day=day, row=f"CVE-2024-0001,{score},0.5")
        (tmp_path / f"epss_scores-{day}.csv.gz").write_bytes(gzip.compress(text.encode()))
    threats = load_threats(tmp_path)
    assert threats.epss == {"CVE-2024-0001": 0.9}
    assert threats.dated == ("EPSS of 2026-01-30",)


def test_the_catalogue_alone_is_enough(tmp_path: Path) -> None:
    catalogue = {"dateReleased": "2026-01-29T10:00:00Z", "vulnerabilities": [{"cveID": "CVE-1"}]}
    (tmp_path / KEV_FILE).write_text(json.dumps(catalogue))
    threats = load_threats(tmp_path)
    assert threats.exploited == {"CVE-1"}
    assert threats.dated == ("known exploited vulnerabilities of 2026-01-29",)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("epss_scores.csv", b"cve,epss,percentile\nCVE-1,much,1\n", "line 2"),
        ("epss_scores.csv.gz", gzip.compress(b"cve,epss\n", mtime=0)[:12], "end-of-stream"),
        (KEV_FILE, b'{"vulnerabilities": [{}]}', "cveID"),
        (KEV_FILE, b'{"vulnera', "Unterminated"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(StageError, match=f"gate.threat_data: {name} cannot be read") as raised:
        load_threats(tmp_path)
    assert why in str(raised.value.diagnostics())


def test_a_directory_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="has neither"):
        load_threats(tmp_path)
