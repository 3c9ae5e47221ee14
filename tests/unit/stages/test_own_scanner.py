"""A scanner that is not ours, through the interface that Trivy stands behind too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import keelway as kw
from tests.support.built import built

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Words:
    """Finds one word in every image; the spec and the scanner in one."""

    name: str = "words"
    opened: list[str] = field(default_factory=list)
    directory: str = ""

    async def open(self, run: kw.Run, *, directory: str, timeout_s: int) -> Words:
        run.say("scan", "opened")
        assert timeout_s == 60
        self.opened.append(directory)
        return Words(directory=directory)

    async def scan(self, image: kw.BuiltImage) -> kw.Scanned:
        finding = kw.Finding(
            kind=kw.Kind.MISCONFIGURATION,
            id="word",
            severity=kw.Severity.LOW,
            title=f"a word in {image.name}",
            where="/motd",
        )
        return kw.Scanned(
            findings=(finding,),
            report=await kw.keep_report(self.directory, image, self.name, "{}"),
            tool=kw.ToolVersion(name=self.name, version="1", source="host"),
        )


async def test_it_looks_alone(run: kw.Run, tmp_path: Path) -> None:
    words = Words()
    spec = kw.ScanSpec(
        scanners=(),
        database=None,
        second_opinion=(words,),
        directory=str(tmp_path),
        timeout_s=60,
    )
    findings = await kw.scan(run, spec, built(run, "orders", "worker"))
    assert words.opened == [str(tmp_path)], "opened once, whatever the number of images"
    assert len(findings.targets) == 4
    for target in findings.targets:
        assert [one.id for one in target.findings] == ["word"]
        assert target.tool.name == "words"
        assert target.second_opinions == ()
        assert (tmp_path / target.report).read_text() == "{}"


def test_somebody_has_to_look() -> None:
    with pytest.raises(kw.PlanError, match="nobody is asked to scan"):
        kw.ScanSpec(scanners=(), database=None)
