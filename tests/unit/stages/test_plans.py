"""Config and facts -> Specs: decided, or impossible, or skipped with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keelway.config import Config, Pin
from keelway.errors import PlanError
from keelway.facts import Commit, Facts
from keelway.model.findings import Severity
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64
from keelway.model.registry import LoginSpec
from keelway.model.tool import HostTool, ImageTool
from keelway.stages.build import SecretSpec, plan_build
from keelway.stages.gate import plan_gate
from keelway.stages.publish import PublishSpec, plan_publish
from keelway.stages.sbom import SbomSpec, plan_sbom
from keelway.stages.scan import DatabaseDirectory, DownloadedDatabase, ScanSpec, plan_scan

PINNED = "registry.test/tool@sha256:" + "0" * 64
COMMIT = Commit(sha="ab" * 20, committed_at=datetime(2026, 1, 1, tzinfo=UTC), branch="main")


def config(**sections: Any) -> Config:
    """Return a configuration as it would be read from TOML."""
    image = sections.pop("image", {})
    written = {"project": {"name": "shop"}, "images": {"orders": image}, **sections}
    return Config.model_validate(written, strict=False)


def facts(**known: Any) -> Facts:
    programs = {"trivy": Path("/bin/trivy"), "syft": Path("/bin/syft")}
    settings: dict[str, Any] = {"root": Path("/src"), "commit": COMMIT, "epoch": 1_767_225_600}
    return Facts(**{"programs": programs, **settings, **known})


def test_snyk_looks_at_one_image_and_need_not_be_there() -> None:
    scan: dict[str, Any] = {
        "database": "none",
        "snyk_token": "env://SNYK_TOKEN",
        "snyk_optional": True,
        "images": {"orders": {"second_opinion": ["snyk"]}},
    }
    without = plan_scan(config(scan=scan), facts())
    assert isinstance(without, ScanSpec)
    assert without.of("orders").second_opinion == ()
    assert (
        "Snyk was not asked: scan.snyk_token: the environment variable SNYK_TOKEN"
        in (without.notes[1])
    )
    programs = {"trivy": Path("/bin/trivy"), "snyk": Path("/bin/snyk")}
    there = facts(variables=frozenset({"SNYK_TOKEN"}), programs=programs)
    asked = plan_scan(config(scan=scan), there)
    assert isinstance(asked, ScanSpec)
    assert [one.name for one in asked.of("orders").second_opinion] == ["snyk"]
    assert asked.of("worker").second_opinion == ()
    with pytest.raises(PlanError, match="SNYK_TOKEN is not set"):
        plan_scan(config(scan={**scan, "snyk_optional": False}), facts())


def test_an_image_is_decided() -> None:
    written = {"context": "app", "target": "runtime", "build_args": {"A": "1"}}
    (image,) = plan_build(config(image=written), facts()).images
    assert (image.name, image.context, image.dockerfile) == ("orders", "/src/app", "Dockerfile")
    assert (image.target, image.build_args) == ("runtime", {"A": "1"})
    assert image.platforms == (AMD64, ARM64)


def test_labels_come_from_git_and_never_from_the_clock() -> None:
    (image,) = plan_build(config(tags={"rules": ["type=sha"]}), facts()).images
    assert image.labels == {
        "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
        "org.opencontainers.image.revision": "ab" * 20,
        "org.opencontainers.image.title": "orders",
        "org.opencontainers.image.version": "sha-abababa",
    }


def test_outside_of_git_there_are_fewer_labels() -> None:
    (image,) = plan_build(config(), facts(commit=None, epoch=None)).images
    assert image.labels == {"org.opencontainers.image.title": "orders"}


@pytest.mark.parametrize(
    ("context", "reports", "left_out"),
    [
        (".", ".keelway", (".git", ".keelway")),
        (".", "out/reports", (".git", "out/reports")),
        ("app", ".keelway", (".git",)),
        (".", ".", (".git",)),
    ],
)
def test_reports_are_no_part_of_a_context(
    context: str, reports: str, left_out: tuple[str, ...]
) -> None:
    written = config(image={"context": context}, report={"directory": reports})
    assert plan_build(written, facts()).images[0].exclude == left_out


def test_platforms_are_normal_and_unique() -> None:
    written = config(image={"platforms": ["linux/arm64", "linux/aarch64", "linux/amd64"]})
    assert plan_build(written, facts()).images[0].platforms == (ARM64, AMD64)


def test_a_base_is_its_pin() -> None:
    written = config(image={"bases": {"PYTHON_BASE": "python"}})
    pins = {"python": Pin(reference=PINNED)}
    (image,) = plan_build(written, facts(pins=pins)).images
    assert image.build_args == {"PYTHON_BASE": PINNED}


def test_a_base_without_a_pin_says_what_to_run() -> None:
    with pytest.raises(PlanError, match="not pinned") as raised:
        plan_build(config(image={"bases": {"PYTHON_BASE": "python"}}), facts())
    assert "`keelway base python`" in raised.value.diagnostics()


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({".": "missing"}, "is no directory"),
        ({".": "file"}, "is no directory"),
        ({".": "directory", "Dockerfile": "missing"}, "there is no Dockerfile"),
    ],
)
def test_a_missing_path_is_impossible(paths: dict[str, str], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan_build(config(), facts(paths=paths))


def test_a_secret_is_an_address_with_nothing_relative_in_it() -> None:
    secrets = [
        {"id": "a", "source": "env://TOKEN"},
        {"id": "b", "source": "file://token.txt"},
        {"id": "c", "source": "cmd://pass show x"},
    ]
    planned = plan_build(config(image={"secrets": secrets}), facts(variables=frozenset({"TOKEN"})))
    assert planned.images[0].secrets == (
        SecretSpec(id="a", source="env://TOKEN"),
        SecretSpec(id="b", source="file:///src/token.txt"),
        SecretSpec(id="c", source="cmd://pass show x"),
    )


def test_a_secret_that_is_not_set_is_impossible() -> None:
    secrets = [{"id": "pip", "source": "env://TOKEN"}]
    with pytest.raises(PlanError, match="TOKEN is not set") as raised:
        plan_build(config(image={"secrets": secrets}), facts())
    assert raised.value.exit_code == 3


def test_scan_without_a_database_looks_for_the_rest_and_says_so() -> None:
    spec = plan_scan(config(scan={"database": "none"}), facts())
    assert isinstance(spec, ScanSpec)
    assert "vuln" not in spec.scanners
    assert spec.notes == ('vulnerabilities were not looked for: scan.database is "none"',)
    assert spec.tool == HostTool(path="/bin/trivy")
    assert spec.directory == "/src/.keelway"


def test_scan_databases() -> None:
    fetched = plan_scan(config(), facts())
    local = plan_scan(config(scan={"database": "trivy-db"}), facts())
    assert isinstance(fetched, ScanSpec)
    assert isinstance(local, ScanSpec)
    assert fetched.database == DownloadedDatabase()
    assert local.database == DatabaseDirectory(path="/src/trivy-db")
    with pytest.raises(PlanError, match="is no directory"):
        plan_scan(config(scan={"database": "trivy-db"}), facts(paths={"trivy-db": "missing"}))


def test_what_is_skipped_says_why() -> None:
    assert plan_scan(config(scan={"enabled": False}), facts()) == Skipped("scan.enabled is false")
    only = config(scan={"scanners": ["vuln"], "database": "none"})
    reason = 'vulnerabilities were not looked for: scan.database is "none"'
    assert plan_scan(only, facts()) == Skipped(reason)
    assert plan_sbom(config(sbom={"enabled": False}), facts()) == Skipped("sbom.enabled is false")
    assert plan_publish(config(), facts()) == Skipped("no registry is configured")


@pytest.mark.parametrize("plan", [plan_scan, plan_sbom])
def test_a_missing_tool_is_impossible_and_says_how_to_get_it(plan: Any) -> None:
    with pytest.raises(PlanError, match="is not installed") as raised:
        plan(config(), facts(programs={}))
    assert "pip install 'keelway[tools]'" in raised.value.diagnostics()


def test_a_tool_image_needs_no_program() -> None:
    tools = {"syft": {"source": "image", "image": PINNED}}
    spec = plan_sbom(config(tools=tools), facts(programs={}))
    assert isinstance(spec, SbomSpec)
    assert spec.tool == ImageTool(reference=PINNED)
    assert spec.epoch == 1_767_225_600


@pytest.mark.parametrize(
    ("written", "severity"), [("low", Severity.LOW), ("critical", Severity.CRITICAL)]
)
def test_the_gates_threshold(written: str, severity: Severity) -> None:
    assert plan_gate(config(gate={"severity": written}), facts()).severity is severity


def test_a_gate_that_never_refuses() -> None:
    assert plan_gate(config(gate={"severity": "never"}), facts()).severity is None


def test_publishing_is_decided() -> None:
    registry = {"url": "localhost:5000/demo", "username": "ci", "password": "env://PASSWORD"}
    written = config(registries=[registry], tags={"rules": ["type=sha", "type=raw,value=demo"]})
    spec = plan_publish(written, facts(variables=frozenset({"PASSWORD"})))
    assert isinstance(spec, PublishSpec)
    assert spec.tags == ("demo", "sha-abababa")
    assert spec.registries[0].login == LoginSpec(username="ci", password="env://PASSWORD")


def test_a_password_that_is_not_set_is_impossible() -> None:
    registry = {"url": "localhost:5000/demo", "username": "ci", "password": "env://PASSWORD"}
    with pytest.raises(PlanError, match="the password for localhost:5000/demo"):
        plan_publish(config(registries=[registry]), facts())


def test_without_a_tag_nothing_is_published_and_every_rule_says_why() -> None:
    written = config(
        registries=[{"url": "localhost:5000/demo"}], tags={"rules": ["type=ref,event=tag"]}
    )
    planned = plan_publish(written, facts())
    assert isinstance(planned, Skipped)
    assert "type=ref,event=tag: the commit has no git tag" in planned.reason
