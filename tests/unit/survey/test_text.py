"""The text that `keelway init` writes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keelway.config.loader import read_config
from keelway.survey.decide import decide
from keelway.survey.findings import Machine
from keelway.survey.render import render
from tests.support.surveyed import MACHINE, PLAIN, drafted, looked

if TYPE_CHECKING:
    from pathlib import Path

REMOTE = "https://github.com/acme/shop.git"


def test_it_is_a_configuration_that_says_why(tmp_path: Path) -> None:
    draft = drafted(tmp_path, {"Dockerfile": "FROM debian:latest\n"}, remote=REMOTE)
    text = render(draft)
    config = read_config(text, tmp_path / "keelway.toml").config
    assert config.project.source == "https://github.com/acme/shop"
    assert list(config.images) == ["shop"]
    assert config.registries == ()
    assert config.policy.rules == {
        "no-latest": "warn",
        "user-not-root": "warn",
        "healthcheck": "warn",
        "starts": "warn",
    }
    assert "# Dockerfile:1: debian:latest is whatever was pushed last" in text
    assert '# url = "ghcr.io/acme"' in text
    assert len(text.splitlines()) < 60


def test_rules_that_hold_stop_a_release_from_the_first_day(tmp_path: Path) -> None:
    rules = drafted(tmp_path, {"Dockerfile": PLAIN}).warned
    assert set(rules) == {"starts", "health-in-time", "health-detects", "health-stops"}


def test_a_registry_counts_where_one_may_push_to_it(tmp_path: Path) -> None:
    files = {"Dockerfile": PLAIN, "compose.yaml": "services: {a: {build: ., image: ghcr.io/a/b:1}}"}
    machine = replace(MACHINE, logins=frozenset({"ghcr.io"}))
    without, with_login = drafted(tmp_path, files), drafted(tmp_path, files, machine=machine)
    file = tmp_path / "keelway.toml"
    assert read_config(render(without), file).config.registries == ()
    assert "nobody is logged in to ghcr.io here" in render(without)
    (registry,) = read_config(render(with_login), file).config.registries
    assert registry.url == "ghcr.io/a"


def test_without_trivys_database_vulnerabilities_are_left_out_and_it_is_said(
    tmp_path: Path,
) -> None:
    machine = Machine(has_database=False)
    text = render(drafted(tmp_path, {"Dockerfile": PLAIN}, machine=machine))
    assert read_config(text, tmp_path / "keelway.toml").config.scan.database == "none"
    assert "could not be reached from the machine that wrote this" in text


@pytest.mark.parametrize(
    "evil", ['a "quoted" \\ name', "new\nline", "[table]", "ümlaut \x7f", "'''"]
)
def test_whatever_the_files_say_it_stays_toml(tmp_path: Path, evil: str) -> None:
    findings = looked(tmp_path, {"Dockerfile": PLAIN})
    manifest = findings.manifests
    assert manifest == ()
    draft = replace(
        decide(findings),
        description=evil,
        warned={"starts": evil},
        suites=((evil, evil),),
        rules_from=evil,
        rules=("type=sha",),
    )
    found = tomllib.loads(render(draft))
    assert found["project"]["description"] == evil
    assert found["policy"]["rules"] == {"starts": "warn"}
    assert set(found) == {"project", "images", "tags", "gate", "policy"}
