"""The real Grype, on a database made by its own library: what it finds is its decision."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest

import keelway as kw
from keelway._tools.grype import environment
from keelway.errors import ToolError
from keelway.exceptions.grype_rules import write_grype
from keelway.model.exemption import Exemption, Scope
from keelway.model.image import BuiltImage, Images
from keelway.model.tool import HostTool
from keelway.scanners.grype import GrypeSpec
from keelway.stages.scan import DatabaseDirectory, ScanSpec, scan
from tests.support.advisories import build_database
from tests.support.debian_like import debian_files, python_files
from tests.support.grype_advisories import EPSS, build_grype_database
from tests.support.missing import need, need_optional

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AMD64 = kw.Platform("linux/amd64")
GLIBC, ZLIB, JINJA = "CVE-2023-4911", "CVE-2023-45853", "CVE-2024-22195"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ScanSpec:
    grype, builder = need_optional("grype"), need_optional("grype-database")
    folder = tmp_path_factory.mktemp("databases")
    trivy = build_database(folder, need("trivy-db", package="trivy-db, by scripts/go-tools"))
    second = GrypeSpec(
        tool=HostTool(path=grype),
        database=DatabaseDirectory(path=str(build_grype_database(folder, builder))),
    )
    return ScanSpec(
        scanners=("vuln",),
        database=DatabaseDirectory(path=str(trivy)),
        second_opinion=(second,),
        directory=str(folder / "reports"),
    )


@pytest.fixture
async def run() -> AsyncIterator[kw.Run]:
    async with kw.open_session() as session:
        yield kw.Run(session.client)


def image(run: kw.Run) -> Images:
    container = run.dag.container(platform=dagger.Platform(AMD64))
    for path, text in {**debian_files(), **python_files()}.items():
        container = container.with_new_file(f"/{path}", text)
    return Images(variants=(BuiltImage(name="orders", platform=AMD64, container=container),))


async def test_grype_finds_the_same_things_and_adds_what_it_knows(
    run: kw.Run, spec: ScanSpec
) -> None:
    findings = await scan(run, spec, image(run))
    (target,) = findings.targets
    (second,) = target.second_opinions
    # Grype knows by itself that Debian's zlib1g has no minizip, and leaves that out.
    assert (second.tool.name, second.found, second.alone) == ("grype", 2, 0)
    assert second.database is not None
    assert second.database.built_at is not None
    by_id = {one.id: one for one in target.findings}
    assert set(by_id) == {GLIBC, ZLIB, JINJA}
    assert by_id[ZLIB].found_by == ("trivy",)
    assert by_id[GLIBC].found_by == by_id[JINJA].found_by == ("trivy", "grype")
    glibc = by_id[GLIBC]
    assert (glibc.epss, glibc.known_exploited) == (EPSS, True)
    assert (glibc.fixed_in, by_id[ZLIB].fixed_in) == ("2.36-9+deb12u3", None)
    kept = json.loads((Path(spec.directory) / second.report).read_text())
    assert kept["descriptor"]["name"] == "grype"
    assert {match["artifact"]["name"] for match in kept["matches"]} == {"libc6", "jinja2"}


def test_grype_takes_what_we_write_for_it(spec: ScanSpec, tmp_path: Path) -> None:
    (second,) = spec.second_opinion
    assert isinstance(second, GrypeSpec)
    assert isinstance(second.database, DatabaseDirectory)
    granted = Exemption(
        id=JINJA, reason="no template is a user's", owner="shop", expires=date(2099, 1, 1),
        scope=Scope(purl="pkg:pypi/jinja2"),
    )  # fmt: skip
    rules = tmp_path / ".grype.yaml"
    rules.write_text(write_grype([granted], today=date(2026, 1, 1)))
    done = subprocess.run(
        [need_optional("grype"), "pkg:pypi/jinja2@3.1.2", "--config", rules, "--by-cve",
         "--output", "json"],
        env={**os.environ, **environment(second.database.path, str(tmp_path), update=False)},
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["matches"] == []
    assert [one["vulnerability"]["id"] for one in report["ignoredMatches"]] == [JINJA]


async def test_a_database_of_grypes_that_is_not_there_is_no_clean_image(
    run: kw.Run, spec: ScanSpec, tmp_path: Path
) -> None:
    (second,) = spec.second_opinion
    assert isinstance(second, GrypeSpec)
    empty = replace(second, database=DatabaseDirectory(path=str(tmp_path)))
    with pytest.raises(ToolError, match=r"scanning orders .* with Grype failed") as raised:
        await scan(run, replace(spec, second_opinion=(empty,)), image(run))
    assert "scan.grype_database" in raised.value.diagnostics()
