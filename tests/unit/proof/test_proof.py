"""Proofs as files: read as they were written, held against what is asked, put together."""

import dataclasses
import io
import json
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from keelway.errors import PlanError
from keelway.model.findings import Database, Finding, Findings, ImageFindings, Kind, Severity
from keelway.model.image import Digest
from keelway.model.load import LoadMeasure, LoadReport, LoadThreshold
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64, Platform
from keelway.model.policy import PolicyOutcome, PolicyReport, PolicyResult
from keelway.model.sbom import Package, Sbom, SbomFormat, Sboms
from keelway.model.tests import CaseResult, CaseStatus, ServiceResult, SuiteResult, TestResults
from keelway.model.tool import ToolVersion
from keelway.proof import merging
from keelway.proof.document import Proof, ProvedImage, Source, form
from keelway.proof.reading import Found, check_files, check_source, choose, find_proofs
from keelway.proof.source import asked_for
from keelway.registry.content import MANIFEST_TYPE, Descriptor, digest_of
from keelway.stages.build import BuildSpec, ImageSpec

TOOL = ToolVersion(name="tool", version="1", source="host")
SOURCE = Source(keelway="1.0", project="shop", commit="c0ffee", config=Digest("sha256:1"))
ORDERS = ImageSpec(name="orders", context="/here", labels={"version": "1.0"})
MEASURE = LoadMeasure(
    counted="http", requests=9, error_rate=0.0, throughput=3.0, avg_ms=1.0, p50_ms=1.0,
    p90_ms=1.0, p95_ms=1.0, p99_ms=1.0, max_ms=2.0,
)  # fmt: skip


def proof(platform: Platform, asked: ImageSpec = ORDERS) -> Proof:
    """Return a proof with something of everything."""
    name = platform.replace("/", "-")
    found = Finding(
        kind=Kind.VULNERABILITY, id="CVE-1", severity=Severity.HIGH, title="x", where="dpkg",
        published=date(2026, 1, 31), epss=0.5, found_by=("trivy",),
    )  # fmt: skip
    image = ProvedImage(
        name="orders",
        platform=platform,
        archive=f"orders-{name}.tar",
        archive_digest=Digest("sha256:2"),
        manifest=Digest("sha256:3"),
        config=Digest("sha256:4"),
        asked=asked_for(asked, platform),
    )
    target = ImageFindings(
        image="orders", platform=platform, digest=image.config, findings=(found,),
        report=f"scan/orders-{name}.json", tool=TOOL,
        database=Database(built_at=datetime(2026, 1, 31, tzinfo=UTC), source="mirror"),
    )  # fmt: skip
    document = Sbom(
        image="orders", platform=platform, format=SbomFormat.SPDX_JSON, subject=image.manifest,
        path=f"sbom/orders-{name}.spdx.json", sha256=Digest("sha256:5"), packages=1,
        contents=(Package(name="libc", licenses=("LGPL-2.1",)),),
    )  # fmt: skip
    rules = [
        PolicyResult(
            rule=rule, outcome=PolicyOutcome.PASSED, image="orders", platform=place, message="good"
        )
        for rule, place in (("user-not-root", None), ("budget", platform))
    ]
    case = CaseResult(name="test_it", status=CaseStatus.FAILED, message="no")
    suite = SuiteResult(
        name="api", platform=platform, images=("orders",), cases=(case,), log=f"api-{name}.log",
        services=(ServiceResult(name="db", state="healthy", log=f"db-{name}.log"),),
    )  # fmt: skip
    return Proof(
        source=SOURCE,
        images=(image,),
        policy=PolicyReport(results=tuple(rules)),
        findings=Findings(targets=(target,), scanners=("vuln",)),
        sboms=Sboms(documents=(document,), tool=TOOL),
        tests=TestResults(suites=(suite,)),
        load=LoadReport(
            script="probe", target="http://orders", measure=MEASURE, tool=TOOL, log="load/log",
            thresholds=(LoadThreshold(metric="m", expression="p(95)<3", crossed=False),),
            summary="load/summary.json",
        ),
        files={f"scan/orders-{name}.json": Digest("sha256:6")},
    )  # fmt: skip


def found(*proofs: Proof) -> list[Found]:
    return [Found(proof=one, folder=Path("/reports/proof/x")) for one in proofs]


def test_it_is_read_as_it_was_written() -> None:
    whole = proof(AMD64)
    assert form().validate_json(form().dump_json(whole)) == whole
    bare = dataclasses.replace(whole, tests=Skipped("no"), load=Skipped("no"))
    assert form().validate_json(form().dump_json(bare)) == bare


def test_the_files_that_it_speaks_of() -> None:
    assert list(proof(AMD64).named_files()) == [
        "scan/orders-linux-amd64.json", "sbom/orders-linux-amd64.spdx.json", "api-linux-amd64.log",
        "db-linux-amd64.log", "load/summary.json", "load/log",
    ]  # fmt: skip


def test_only_named_proofs_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a" / "proof" / "linux-amd64").mkdir(parents=True)
    (tmp_path / "a" / "proof" / "linux-amd64" / "proof.json").write_text("{}")
    with pytest.raises(PlanError, match="there is no proof sha256:0"):
        find_proofs(tmp_path, ["sha256:0"])
    with pytest.raises(PlanError, match="no proof is named"):
        find_proofs(tmp_path, [])
    of_braces = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(PlanError, match="is no proof of this version"):
        find_proofs(tmp_path, [of_braces])


@pytest.mark.parametrize(
    ("key", "word"),
    [("keelway", "version"), ("project", "project"), ("commit", "commit"), ("config", "configur")],
)
def test_a_proof_of_something_else_is_refused(key: str, word: str) -> None:
    check_source(found(proof(AMD64)), SOURCE)
    with pytest.raises(PlanError, match=f"is of another {word}"):
        check_source(found(proof(AMD64)), Source(**{**dataclasses.asdict(SOURCE), key: "other"}))


def test_each_image_is_proved_once_for_each_platform() -> None:
    build = BuildSpec(images=(ORDERS,))
    both = found(proof(ARM64), proof(AMD64))
    assert [image.platform for _, image in choose(both, build)] == [AMD64, ARM64]
    with pytest.raises(PlanError, match=r"no proof is of orders \(linux/arm64\)"):
        choose(found(proof(AMD64)), build)
    with pytest.raises(PlanError, match=r"2 proofs are of orders \(linux/amd64\)"):
        choose([*both, *found(proof(AMD64))], build)


def test_an_image_that_was_asked_for_in_another_way_is_another_one() -> None:
    elsewhere = dataclasses.replace(ORDERS, context="/there")
    assert choose(found(proof(AMD64, elsewhere), proof(ARM64)), BuildSpec(images=(ORDERS,))), (
        "where a machine has the checkout is its own affair"
    )
    other = dataclasses.replace(ORDERS, labels={"version": "2.0"})
    with pytest.raises(PlanError, match="was asked for in another way"):
        choose(found(proof(AMD64, other), proof(ARM64)), BuildSpec(images=(ORDERS,)))


def test_together_they_say_what_one_machine_would_have_said() -> None:
    both = [proof(AMD64), proof(ARM64)]
    policy, findings = merging.merged_policy(both), merging.merged_findings(both)
    assert isinstance(policy, PolicyReport)
    told = [(one.rule, one.platform) for one in policy.results]
    assert told == [("user-not-root", None), ("budget", AMD64), ("budget", ARM64)]
    assert isinstance(findings, Findings)
    assert [target.platform for target in findings.targets] == [AMD64, ARM64]
    assert findings.scanners == ("vuln",)
    sboms, tests = merging.merged_sboms(both), merging.merged_tests(both)
    assert isinstance(sboms, Sboms)
    assert len(sboms.documents) == 2
    assert isinstance(tests, TestResults)
    assert [suite.platform for suite in tests.suites] == [AMD64, ARM64]
    assert merging.merged_load(both) == both[0].load


def test_what_one_machine_did_not_look_at_is_told() -> None:
    without = dataclasses.replace(proof(ARM64), findings=Skipped("no scanner"))
    findings = merging.merged_findings([proof(AMD64), without])
    assert isinstance(findings, Findings)
    assert findings.notes == ("nothing of orders (linux/arm64): no scanner",)
    assert merging.merged_findings([without]) == Skipped("no scanner")


def made(folder: Path) -> Found:
    """Return a proof with its files: an archive of a bare image, and one report."""
    config = b"{}"
    manifest = json.dumps(
        {
            "mediaType": MANIFEST_TYPE,
            "config": Descriptor.of(config, "application/vnd.oci.image.config.v1+json").document(),
            "layers": None,
        }
    ).encode()
    index = {"manifests": [Descriptor.of(manifest, MANIFEST_TYPE).document()]}
    place = folder / "proof" / "linux-amd64"
    place.mkdir(parents=True)
    with tarfile.open(place / "orders-linux-amd64.tar", "w") as tar:
        for name, data in (
            ("index.json", json.dumps(index).encode()),
            (f"blobs/{digest_of(manifest).replace(':', '/')}", manifest),
            (f"blobs/{digest_of(config).replace(':', '/')}", config),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    (folder / "scan").mkdir()
    (folder / "scan" / "orders-linux-amd64.json").write_text("{}")
    bare = proof(AMD64)
    image = dataclasses.replace(
        bare.images[0],
        archive_digest=digest_of((place / "orders-linux-amd64.tar").read_bytes()),
        manifest=digest_of(manifest),
        config=digest_of(config),
    )
    assert isinstance(bare.findings, Findings)
    (target,) = bare.findings.targets
    return Found(
        proof=dataclasses.replace(
            bare,
            images=(image,),
            sboms=Skipped("no"),
            findings=Findings(
                targets=(dataclasses.replace(target, digest=image.config),), scanners=()
            ),
            files={"scan/orders-linux-amd64.json": digest_of(b"{}")},
        ),
        folder=place,
    )


async def test_files_are_those_that_were_judged(tmp_path: Path) -> None:
    whole = made(tmp_path)
    await check_files([whole])
    report = tmp_path / "scan" / "orders-linux-amd64.json"
    report.write_text("{ }")
    with pytest.raises(PlanError, match=r"scan/orders-linux-amd64\.json, of the proof in"):
        await check_files([whole])
    report.write_text("{}")
    archive = whole.folder / "orders-linux-amd64.tar"
    archive.write_bytes(archive.read_bytes() + b" ")
    with pytest.raises(PlanError, match=r"orders-linux-amd64\.tar, of the proof in"):
        await check_files([whole])


async def test_what_was_scanned_is_what_is_in_the_archive(tmp_path: Path) -> None:
    whole = made(tmp_path)
    other = dataclasses.replace(whole.proof, findings=proof(AMD64).findings)
    with pytest.raises(PlanError, match="is not the image that was judged"):
        await check_files([dataclasses.replace(whole, proof=other)])


async def test_a_proof_names_no_file_outside(tmp_path: Path) -> None:
    whole = made(tmp_path)
    files = {"../../secret": Digest("sha256:1")}
    with pytest.raises(PlanError, match="names a file elsewhere"):
        await check_files(
            [dataclasses.replace(whole, proof=dataclasses.replace(whole.proof, files=files))]
        )
