"""A release out of what several machines built and judged, each its own platform."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.missing import need_emulator
from tests.support.projects import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Outcome
    from tests.support.registry import Registry

pytestmark = [pytest.mark.usefixtures("scanners"), pytest.mark.emulated]
PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class Proved:
    """What two machines left, and a third one that knows the digests."""

    project: Project
    reports: Path
    digests: tuple[str, ...]

    def assemble(self, *more: str) -> Outcome:
        """Put the proofs together."""
        named = [word for digest in self.digests for word in ("--proof", digest)]
        return self.project.keelway("assemble", str(self.reports), *named, *more)


def machine(project: Project, name: str) -> Project:
    """Return another checkout of the same commit, with a store of its own."""
    folder = project.folder.parent / name
    shutil.copytree(project.folder, folder / "project")
    return Project(folder=folder / "project", environment=dict(project.environment))


def prove(project: Project, reports: Path, platform: str) -> str:
    """Build and judge one platform on a machine of its own, and keep its report directory."""
    own = machine(project, platform.replace("/", "-"))
    done = own.keelway("prove", "--platform", platform, "--engine", "local")
    assert done.code == 0, done.text()
    report = own.folder / ".keelway"
    digest = (report / "proof" / "digest").read_text().strip()
    assert digest in done.text()
    assert own.report()["published"] is None
    shutil.copytree(report, reports / f"keelway-{platform.replace('/', '-')}")
    return digest


def test_each_platform_is_proved_on_its_own_machine_and_published_by_a_third(
    project: Project, tmp_path: Path, registry: Registry, repository: str
) -> None:
    need_emulator()
    reports = tmp_path / "reports"
    digests = tuple(prove(project, reports, platform) for platform in PLATFORMS)
    proved = Proved(project, reports, digests)
    see_that_a_change_is_refused(proved)
    assert not registry.has(f"{repository}/app:test")

    done = proved.assemble()
    assert done.code == 0, done.text()
    found = registry.manifest(f"{repository}/app:test")
    report = project.report()
    assert report["published"][0]["digest"] == found[0]
    assert len(report["published"][0]["references"]) == 2

    whole = machine(project, "whole")
    done = whole.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    assert registry.manifest(f"{repository}/app:test") == found, "another index than one machine's"
    expected = whole.report()
    assert (report["sbom"], report["scan"]) == (expected["sbom"], expected["scan"])
    assert report["verdict"] == expected["verdict"]
    assert len(report["policy"]["results"]) == len(expected["policy"]["results"])
    for document in report["sbom"]["documents"]:
        assert (project.folder / ".keelway" / document["path"]).is_file()


def see_that_a_change_is_refused(proved: Proved) -> None:
    """See that nothing is published of what was changed on the way."""
    (archive,) = proved.reports.glob("*/proof/linux-arm64/app-linux-arm64.tar")
    before = archive.read_bytes()
    archive.write_bytes(before + b" ")
    done = proved.assemble()
    assert done.code == 3, done.text()
    assert "app-linux-arm64.tar, of the proof in" in done.text()
    archive.write_bytes(before)
