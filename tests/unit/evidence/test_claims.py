"""What is believed of an identity token, and what is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keelway.errors import PlanError, StageError
from keelway.evidence.claims import proved_builder, read_claims, subject_of
from keelway.facts.builder import LOCAL, find_builder
from keelway.model.provenance import Builder

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GITHUB = {
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:acme/shop:ref:refs/heads/main",
    "repository": "acme/shop",
    "workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
    "job_workflow_ref": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
    "run_id": "77",
    "run_attempt": "2",
}
GITLAB = {
    "iss": "https://gitlab.example.com",
    "sub": "project_path:shop/orders:ref_type:branch:ref:main",
    "project_path": "shop/orders",
    "ci_config_ref_uri": "gitlab.example.com/shop/orders//.gitlab-ci.yml@refs/heads/main",
    "job_id": "7",
}
JENKINS = {"iss": "https://ci.example.com/oidc", "sub": "https://ci.example.com/job/orders/"}


def token(claims: Any) -> str:
    said = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{said}.c2ln"


def test_a_jobs_token_names_its_workflow_and_run() -> None:
    builder = proved_builder(GITHUB, LOCAL)
    assert builder == Builder(
        id="https://github.com/acme/shop/.github/workflows/ci.yml@refs/heads/main",
        kind="ci",
        invocation="https://github.com/acme/shop/actions/runs/77/attempts/2",
    )


def test_a_reused_workflow_is_another_builder() -> None:
    called = "acme/workflows/.github/workflows/release.yml@refs/tags/v1"
    builder = proved_builder({**GITHUB, "job_workflow_ref": called}, LOCAL)
    assert (builder.id, builder.kind) == (f"https://github.com/{called}", "reusable")
    assert builder.level == 1


def test_an_enterprise_names_its_own_server() -> None:
    claims = {**GITHUB, "iss": "https://github.example.com/_services/token"}
    assert proved_builder(claims, LOCAL).id.startswith("https://github.example.com/acme/shop/")


def test_gitlabs_token_names_its_project() -> None:
    builder = proved_builder(GITLAB, LOCAL)
    assert builder.id == "https://gitlab.example.com/shop/orders"
    assert builder.invocation == "https://gitlab.example.com/shop/orders/-/jobs/7"


@pytest.mark.parametrize(
    ("claims", "environment", "builder"),
    [
        ({"email": "jo@example.com", "sub": "1"}, {"GITHUB_ACTIONS": "true"}, LOCAL.id),
        (JENKINS, {"JENKINS_URL": "x", "JOB_URL": JENKINS["sub"]}, JENKINS["sub"]),
        (JENKINS, {"JENKINS_URL": "x", "JOB_URL": "https://ci.example.com/job/trusted/"}, LOCAL.id),
        (GITLAB, {"GITHUB_ACTIONS": "true"}, "https://gitlab.example.com/shop/orders"),
    ],
    ids=["a person", "Jenkins", "another job of Jenkins", "another CI"],
)
def test_the_environment_claims_no_more_than_the_token(
    claims: dict[str, str], environment: dict[str, str], builder: str
) -> None:
    assert proved_builder(claims, find_builder(environment)).id == builder


def test_no_variable_makes_a_job_a_reused_workflow() -> None:
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_WORKFLOW_REF": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
        "KEELWAY_REUSABLE_WORKFLOW": "acme/workflows/.github/workflows/release.yml@v1",
    }
    builder = find_builder(environment)
    assert (builder.id.rpartition("/")[2], builder.kind) == ("main", "ci")
    assert "acme/shop/.github/workflows/ci.yml" in builder.id


def test_claims_are_read_and_name_somebody() -> None:
    claims = read_claims(token(GITHUB), now=NOW, stage="sign")
    assert subject_of(claims) == "repo:acme/shop:ref:refs/heads/main"


def test_a_token_that_expired_is_told_before_anybody_is_asked() -> None:
    late = token({**GITHUB, "exp": NOW.timestamp() - 1})
    with pytest.raises(StageError, match="the identity token has expired") as raised:
        read_claims(late, now=NOW, stage="sign")
    assert "it was good until 2026-02-28T23:59:59Z" in raised.value.diagnostics()


@pytest.mark.parametrize("text", ["", "secret", "a.b", "a.!!!.c", "a.e30=.c.d", "a.W10.c"])
def test_what_is_no_token_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(PlanError, match="is no JSON Web Token") as raised:
        read_claims(text, now=NOW, stage="sign")
    assert not text or text not in raised.value.diagnostics().replace("a JSON", "")
