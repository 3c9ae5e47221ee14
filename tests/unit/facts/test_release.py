"""The same commit has the same tags and labels wherever it is released, and git must agree."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway.config import (
    BuildSecretConfig,
    Config,
    ImageConfig,
    ProjectConfig,
    RegistryConfig,
    ScanConfig,
    TagsConfig,
)
from keelway.errors import PlanError
from keelway.facts import Commit, Facts, find_job
from keelway.facts.agreement import agree
from keelway.facts.release import release_names
from keelway.model.outcome import Skipped
from keelway.planning import DeliverPlan, plan_release

SHA = "0123456789abcdef0123456789abcdef01234567"
COMMIT = Commit(sha=SHA, committed_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), default_branch="main")
RULES = (
    "type=semver,pattern={{version}}",
    "type=semver,pattern={{major}}.{{minor}}",
    "type=ref,event=branch",
    "type=ref,event=branch,suffix=-latest",
    "type=raw,value=latest,enable={{is_default_branch}}",
    "type=raw,value={{date 'YYYYMMDD-HHmm'}}",
    "type=sha,prefix={{branch}}-,enable={{is_branch}}",
    "type=sha,format=long,prefix=",
)
CONFIG = Config(
    project=ProjectConfig(name="shop"),
    images={"orders": ImageConfig(secrets=(BuildSecretConfig(id="t", source="env://TOKEN"),))},
    tags=TagsConfig(rules=RULES),
    registries=(RegistryConfig(url="ghcr.io/acme", username="ci", password="env://PASSWORD"),),
    scan=ScanConfig(database="none"),
)
FACTS = Facts(
    root=Path("/src"),
    commit=COMMIT,
    epoch=int(COMMIT.committed_at.timestamp()),
    programs={"trivy": Path("/opt/trivy"), "syft": Path("/opt/syft")},
    variables=frozenset({"TOKEN", "PASSWORD"}),
)

ON_MAIN: dict[str, dict[str, str]] = {
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": SHA,
    },
    "gitlab": {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_BRANCH": "main",
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": SHA,
    },
    "jenkins": {
        "JENKINS_URL": "https://ci.example.com/",
        "BRANCH_NAME": "main",
        "GIT_COMMIT": SHA,
    },
}
ON_TAG: dict[str, dict[str, str]] = {
    "github": {**ON_MAIN["github"], "GITHUB_REF": "refs/tags/v1.4.0"},
    "gitlab": {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_TAG": "v1.4.0",
        "CI_COMMIT_SHA": SHA,
    },
    "jenkins": {**ON_MAIN["jenkins"], "BRANCH_NAME": "v1.4.0", "TAG_NAME": "v1.4.0"},
}


def facts(environ: dict[str, str], commit: Commit = COMMIT) -> Facts:
    """Return what is true in an environment."""
    return replace(FACTS, commit=commit, job=find_job(environ))


@pytest.mark.parametrize("provider", ["github", "gitlab", "jenkins"])
def test_a_branch_is_the_same_on_a_laptop_and_on_any_ci(provider: str) -> None:
    here = plan_release(CONFIG, facts({}, replace(COMMIT, branch="main")))
    there = plan_release(CONFIG, facts(ON_MAIN[provider]))
    assert there.names == here.names
    assert there.verify.build == here.verify.build
    assert here.names.tags == (
        "main",
        "main-latest",
        "latest",
        "20260102-0304",
        "main-0123456",
        SHA,
    )


@pytest.mark.parametrize("provider", ["github", "gitlab", "jenkins"])
def test_a_git_tag_is_the_same_on_a_laptop_and_on_any_ci(provider: str) -> None:
    tagged = replace(COMMIT, tag="v1.4.0", tags=("v1.4.0",))
    here = plan_release(CONFIG, facts({}, replace(tagged, branch="main")))
    there = plan_release(CONFIG, facts(ON_TAG[provider], tagged))
    assert there.names.tags == here.names.tags
    assert there.verify.build == here.verify.build
    assert here.names.tags == ("1.4.0", "1.4", "20260102-0304", SHA, "latest")
    assert here.verify.build.images[0].labels["org.opencontainers.image.version"] == "1.4.0"


def test_without_git_the_ci_tells_the_commit() -> None:
    nowhere = replace(facts(ON_MAIN["gitlab"]), commit=None)
    names = release_names(CONFIG, nowhere)
    assert f"main-{SHA[:7]}" in names.tags
    labels = plan_release(CONFIG, nowhere).verify.build.images[0].labels
    assert labels["org.opencontainers.image.revision"] == SHA


def test_a_tag_that_another_commit_would_get_is_refused() -> None:
    with pytest.raises(PlanError) as caught:
        agree(replace(COMMIT, sha="ff" * 20), find_job(ON_TAG["github"]))
    assert "GITHUB_SHA" in caught.value.message
    assert "KEELWAY_CI=none" in str(caught.value.next_step)


def test_harmless_differences_are_told() -> None:
    job = find_job(ON_MAIN["gitlab"])
    assert agree(replace(COMMIT, branch="main"), job) == ()
    assert agree(COMMIT, None) == ()
    assert agree(replace(COMMIT, branch="topic"), job) == (
        "CI_COMMIT_REF_NAME is main, and the branch topic is checked out: main counts",
    )
    assert "does not have" in agree(COMMIT, find_job(ON_TAG["gitlab"]))[0]


def pull_request(head: str) -> Facts:
    """Return what is true for a pull request from a repository of that name."""
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/15/merge",
        "GITHUB_SHA": SHA,
        "GITHUB_EVENT_PATH": "/event.json",
    }
    event = {
        "pull_request": {"head": {"sha": "ab" * 20, "repo": {"full_name": head}}},
        "repository": {"full_name": "acme/shop"},
    }
    return replace(FACTS, job=find_job(environ, lambda _: json.dumps(event)))


def test_a_pull_request_of_a_fork_is_not_published_and_sees_no_secret() -> None:
    # No variable is set, and none is asked for.
    forked = replace(pull_request("eve/shop"), variables=frozenset())
    plan = plan_release(CONFIG, forked)
    reason = "pull request 15 comes from a fork: those are never published"
    assert plan.deliver == Skipped(reason)
    assert plan.verify.build.images[0].secrets == ()
    told = {part.part: part.reason for part in plan.skipped()}
    assert told["publish"] == told["secrets"] == reason


def test_an_own_pull_request_is_published() -> None:
    config = CONFIG.model_copy(update={"tags": TagsConfig(rules=("type=ref,event=pr",))})
    plan = plan_release(config, pull_request("acme/shop"))
    assert isinstance(plan.deliver, DeliverPlan)
    assert plan.deliver.publish.tags == ("pr-15",)
    assert [secret.id for secret in plan.verify.build.images[0].secrets] == ["t"]


def test_latest_never_goes_to_a_pre_release_unless_it_is_let_free() -> None:
    tagged = facts({}, replace(COMMIT, tag="v2.0.0-rc.1"))
    tags = TagsConfig(rules=("type=ref,event=tag",))
    plan = plan_release(CONFIG.model_copy(update={"tags": tags}), tagged)
    assert isinstance(plan.deliver, DeliverPlan)
    assert plan.deliver.publish.tags == ("v2.0.0-rc.1",)
    assert (
        "2.0.0-rc.1 is a pre-release"
        in {part.part: part.reason for part in plan.skipped()}["tag latest"]
    )
    free = CONFIG.model_copy(update={"tags": tags.model_copy(update={"moving": "free"})})
    freed = plan_release(free, tagged).deliver
    assert isinstance(freed, DeliverPlan)
    assert freed.publish.tags == ("v2.0.0-rc.1", "latest")


def test_a_rule_that_comes_to_something_impossible_is_named() -> None:
    tags = TagsConfig(rules=("type=raw,x,enable={{event}}",))
    with pytest.raises(PlanError) as caught:
        plan_release(CONFIG.model_copy(update={"tags": tags}), FACTS)
    assert "type=raw,x,enable={{event}}" in caught.value.message
    assert "keelway tags" in str(caught.value.next_step)
