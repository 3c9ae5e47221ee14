"""The pipelines of examples/matrix-product: what they do, when, and what proposes newer versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.support.examples import Example

EXAMPLE = "matrix-product"


def test_the_pipelines_are_what_the_command_writes_today(example: Example) -> None:
    done = example.keelway("init", "ci", "github", "gitlab", "jenkins", "--check")
    assert done.code == 0, done.text()


def test_every_night_at_two_and_bases_every_week(example: Example) -> None:
    text = (example.folder / ".github/workflows/keelway.yml").read_text()
    workflow: dict[Any, Any] = yaml.safe_load(text)
    begins = workflow[True]  # YAML 1.1 reads `on` as a truth
    assert [one["cron"] for one in begins["schedule"]] == ["0 2 * * *", "30 4 * * 1"]
    assert begins["push"]["tags"] == ["v*.*.*"]
    assert "base --refresh" in text
    assert "0 2 * * *" in (example.folder / "Jenkinsfile").read_text()


def test_findings_go_to_code_scanning(example: Example) -> None:
    text = (example.folder / ".github/workflows/keelway-run.yml").read_text()
    assert "github/codeql-action/upload-sarif@" in text
    assert "sarif_file: .keelway/scan" in text


def test_newer_packages_are_proposed(example: Example) -> None:
    bots = yaml.safe_load((example.folder / ".github/dependabot.yml").read_text())
    kinds = {one["package-ecosystem"]: one["schedule"]["interval"] for one in bots["updates"]}
    assert kinds["npm"] == kinds["docker"] == kinds["github-actions"] == "weekly"
    renovate = json.loads((example.folder / "renovate.json").read_text())
    assert "config:recommended" in renovate["extends"]


def test_a_token_of_snyk_and_an_address_are_secrets_of_the_pipeline(example: Example) -> None:
    text = (example.folder / ".github/workflows/keelway.yml").read_text()
    assert "SNYK_TOKEN: ${{ secrets.SNYK_TOKEN }}" in text
    assert "DEPLOYMENTS_WEBHOOK: ${{ secrets.DEPLOYMENTS_WEBHOOK }}" in text


def test_every_package_is_bound_to_its_hash(example: Example) -> None:
    lock = json.loads((example.folder / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 5
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert "sha256sum --check --strict" in (example.folder / "Dockerfile").read_text()
