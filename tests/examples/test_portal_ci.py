"""examples/portal in its CIs: the pipelines that are checked in, and what a run of them does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.missing import need
from tests.support.portal import IMAGES, git, github, gitlab, head, jenkins

if TYPE_CHECKING:
    from tests.support.examples import Example

EXAMPLE = "portal"
BIN = Path(sys.executable).parent
# A way to write `uses: ./x` that GitHub took up lately, and other runners do not know yet.
NOT_YET = {"self-repository"}
SCHEMAS = {
    "github-workflows": (".github/workflows/keelway.yml", ".github/workflows/keelway-run.yml"),
    "github-actions": (".github/actions/keelway/action.yml",),
    "dependabot": (".github/dependabot.yml",),
    "gitlab-ci": (".gitlab-ci.yml",),
}
# As https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml has an Application,
# of what these use; nothing else may be in them.
APPLICATION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "argoproj.io/v1alpha1"},
        "kind": {"const": "Application"},
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "namespace"],
            "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}},
        },
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["project", "source", "destination"],
            "properties": {
                "project": {"type": "string"},
                "source": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["repoURL", "targetRevision", "path"],
                    "properties": {
                        "repoURL": {"type": "string", "pattern": "^https://.*\\.git$"},
                        "targetRevision": {"const": "main"},
                        "path": {"type": "string"},
                    },
                },
                "destination": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["server", "namespace"],
                    "properties": {
                        "server": {"const": "https://kubernetes.default.svc"},
                        "namespace": {"type": "string"},
                    },
                },
                "syncPolicy": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "automated": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "prune": {"type": "boolean"},
                                "selfHeal": {"type": "boolean"},
                                "allowEmpty": {"type": "boolean"},
                            },
                        },
                        "syncOptions": {
                            "type": "array",
                            "items": {"type": "string", "pattern": "^[A-Za-z]+=(true|false)$"},
                        },
                    },
                },
            },
        },
    },
}
PUSHES = {
    "refs/heads/main": ("push", {"main-latest"}),
    "refs/heads/develop": ("push", {"develop-{short}", "develop-latest"}),
    "refs/heads/staging": ("push", {"staging-{short}", "staging-latest"}),
    "refs/tags/v1.4.0": ("tag", {"v1.4.0", "latest"}),
    "refs/tags/v1.5.0-rc.1": ("tag", {"v1.5.0-rc.1"}),  # no release yet
}


def test_the_pipelines_are_what_the_command_writes_today(example: Example) -> None:
    done = example.keelway("init", "ci", "github", "gitlab", "jenkins", "--check")
    assert done.code == 0, done.text()


def test_linters_and_schemas_have_nothing_to_say(example: Example) -> None:
    actionlint = need("actionlint", package="scripts/go-tools --tests")
    words = [[actionlint, "-no-color"]]
    check = [str(BIN / "check-jsonschema"), "--builtin-schema"]
    words += [[*check, f"vendor.{name}", *files] for name, files in SCHEMAS.items()]
    for line in words:
        done = subprocess.run(
            line, cwd=example.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    audit = subprocess.run(
        [str(BIN / "zizmor"), "--offline", "--format=json", ".github"],
        cwd=example.folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert {one["ident"] for one in json.loads(audit.stdout)} <= NOT_YET


def workflow(example: Example) -> dict[Any, Any]:
    """Return GitHub's workflow; YAML 1.1 reads its `on` as a truth."""
    text = (example.folder / ".github/workflows/keelway.yml").read_text()
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def test_the_pipelines_begin_when_they_are_to(example: Example) -> None:
    begins = workflow(example)[True]
    assert begins["push"] == {"branches": ["main", "develop", "staging"], "tags": ["v*.*.*"]}
    assert "pull_request" in begins
    jobs = (example.folder / "templates/keelway.yml").read_text()
    stages = (example.folder / "Jenkinsfile").read_text()
    for branch in ("main", "develop", "staging"):
        assert branch in jobs
        assert branch in stages


def test_a_pull_request_gets_no_secret(example: Example) -> None:
    verify = workflow(example)["jobs"]["verify"]
    assert verify["if"] == "github.event_name == 'pull_request'"
    assert verify["with"] == {"command": "release --no-publish"}
    assert "secrets" not in verify
    assert set(verify["permissions"]) == {"contents", "security-events"}


@pytest.mark.parametrize("told", [github, gitlab, jenkins])
@pytest.mark.parametrize("ref", PUSHES)
def test_what_each_trigger_publishes(example: Example, ref: str, told: Any) -> None:
    event, tags = PUSHES[ref]
    if event == "tag" and not git(example.folder, "tag", "--list", ref.rpartition("/")[2]):
        git(example.folder, "tag", ref.rpartition("/")[2])
    commit = head(example)
    # GitHub calls a pushed tag a push, too.
    job = told(example, "push" if told is github else event, ref)
    done = example.keelway("tags", "--json", **job)
    assert done.code == 0, done.text()
    found = {one["tag"] for one in json.loads(done.out)["tags"]}
    assert found == {tag.format(short=commit[:7]) for tag in tags} | {commit}


@pytest.mark.parametrize("told", [github, gitlab, jenkins])
def test_a_pull_request_is_planned_without_publishing(example: Example, told: Any) -> None:
    done = example.keelway("plan", "--json", **told(example, "pull_request", "refs/pull/7/merge"))
    assert done.code == 0, done.text()
    plan = json.loads(done.out)
    assert {suite["name"] for suite in plan["integration"]["suites"]} == {"unit", "portal"}
    assert plan["publish"] is None
    assert not plan["deploy"]
    assert {"publish", "secrets"} <= {one["part"] for one in plan["skipped"]}


def test_six_registries_each_with_its_login(example: Example) -> None:
    """What is pushed where, and which variables are read for it; none of them is here."""
    job = github(example, "push", "refs/heads/develop", GITHUB_TOKEN="t0ken", HARBOR_TOKEN="r0bot")
    done = example.keelway("plan", "--config", "registries.toml", **job)
    assert done.code == 0, done.text()
    for prefix in (
        "ghcr.io/acme",
        "docker.io/acme",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme",
        "europe-docker.pkg.dev/acme/portal",
        "acme.azurecr.io/portal",
        "harbor.example.com/portal",
    ):
        for image in IMAGES:
            assert f"{prefix}/{image}:develop-{head(example)[:7]}" in done.out
    assert "t0ken" not in done.text()
    assert "r0bot" not in done.text()


def test_argo_cd_is_pointed_at_what_keelway_writes(example: Example, tmp_path: Path) -> None:
    schema = tmp_path / "application.json"
    schema.write_text(json.dumps(APPLICATION))
    files = sorted((example.folder / "deploy/argocd").glob("*.yaml"))
    done = subprocess.run(
        [str(BIN / "check-jsonschema"), "--schemafile", str(schema), *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.stem for file in files] == ["develop", "production", "staging"]
    kustomize = need("kustomize", package="kustomize, by scripts/go-tools --tests")
    config = (example.folder / "keelway.toml").read_text()
    for file in files:
        spec = yaml.safe_load(file.read_text())["spec"]
        path = spec["source"]["path"]
        assert f'path = "{path}"' in config
        built = subprocess.run(
            [kustomize, "build", str(example.folder / "deploy" / path)],
            check=True,
            capture_output=True,
            text=True,
        )
        made = list(yaml.safe_load_all(built.stdout))
        assert {one["metadata"]["namespace"] for one in made} == {spec["destination"]["namespace"]}
        assert {"Deployment", "Service"} == {one["kind"] for one in made}


def test_a_second_opinion_is_one_line_of_configuration(example: Example) -> None:
    config = (example.folder / "keelway.toml").read_text()
    line = 'second_opinion = ["grype", "snyk"]\nsnyk_token = "env://SNYK_TOKEN"\n'
    # Neither program is on a machine that only plans: their images are.
    config += "".join(
        f'[tools.{name}]\nsource = "image"\nimage = "localhost:5000/{name}@sha256:{"0" * 64}"\n'
        for name in ("grype", "snyk")
    )
    config = config.replace('scanners = ["secret"', f'{line}scanners = ["vuln", "secret"')
    config = config.replace('database = "none"', 'database = "download"')
    (example.folder / "second.toml").write_text(config)
    done = example.keelway("plan", "--json", "--config", "second.toml", SNYK_TOKEN="t0ken")
    (example.folder / "second.toml").unlink()
    assert done.code == 0, done.text()
    scan = json.loads(done.out)["scan"]
    assert (scan["tool"], scan["second_opinion"]) == ("trivy", ["grype", "snyk"])
    assert "t0ken" not in done.text()
