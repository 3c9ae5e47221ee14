"""What each CI says of itself, in environments as their documentation shows them."""

import json

import pytest

from keelway.errors import PlanError
from keelway.facts.ci import PROVIDERS, CiJob, find_job

SHA, HEAD = "01" * 20, "ab" * 20

GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "7",
    "GITHUB_ACTOR": "ann",
    "GITHUB_SHA": SHA,
    "GITHUB_EVENT_PATH": "/event.json",
}
GITLAB = {"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_SHA": SHA, "CI_DEFAULT_BRANCH": "main"}
JENKINS = {"JENKINS_URL": "https://ci.example.com/", "BUILD_URL": "https://x/7/", "GIT_COMMIT": SHA}


def job(environ: dict[str, str], event: object = None) -> CiJob:
    """Return the job, which must be found; the event is what GitHub's file holds."""
    found = find_job(environ, lambda _: None if event is None else json.dumps(event))
    assert found is not None
    return found


ENVIRONMENTS = [
    (
        "github",
        {**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"},
        ("push", "refs/heads/main", None, "https://github.com/acme/shop/actions/runs/7", "ann"),
    ),
    (
        "github",
        {**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/v1"},
        ("tag", "refs/tags/v1", None, "https://github.com/acme/shop/actions/runs/7", "ann"),
    ),
    (
        "github",
        {**GITHUB, "GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main"},
        ("schedule", "refs/heads/main", None, "https://github.com/acme/shop/actions/runs/7", "ann"),
    ),
    (
        "github",
        {**GITHUB, "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/heads/main"},
        ("manual", "refs/heads/main", None, "https://github.com/acme/shop/actions/runs/7", "ann"),
    ),
    (
        "gitea",
        {
            **GITHUB,
            "GITEA_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://git.example.com",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/tags/v1",
        },
        ("tag", "refs/tags/v1", None, "https://git.example.com/acme/shop/actions/runs/7", "ann"),
    ),
    (
        "gitlab",
        {
            **GITLAB,
            "CI_PIPELINE_SOURCE": "push",
            "CI_COMMIT_BRANCH": "main",
            "CI_PIPELINE_URL": "https://gitlab.com/acme/shop/-/pipelines/7",
            "GITLAB_USER_LOGIN": "ann",
        },
        ("push", "refs/heads/main", None, "https://gitlab.com/acme/shop/-/pipelines/7", "ann"),
    ),
    (
        "gitlab",
        {**GITLAB, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1"},
        ("tag", "refs/tags/v1", None, None, None),
    ),
    (
        "gitlab",
        {
            **GITLAB,
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": "15",
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2",
        },
        ("pull_request", "refs/pull/15/merge", True, None, None),
    ),
    (
        "jenkins",
        {**JENKINS, "BRANCH_NAME": "main"},
        ("push", "refs/heads/main", None, "https://x/7/", None),
    ),
    (
        "jenkins",
        {**JENKINS, "BRANCH_NAME": "v1", "TAG_NAME": "v1"},
        ("tag", "refs/tags/v1", None, "https://x/7/", None),
    ),
    (
        "jenkins",
        {**JENKINS, "GIT_BRANCH": "origin/main", "BUILD_CAUSE": "TIMERTRIGGER"},
        ("schedule", "refs/heads/main", None, "https://x/7/", None),
    ),
    (
        "jenkins",
        {**JENKINS, "CHANGE_ID": "15", "CHANGE_FORK": "eve", "BRANCH_NAME": "PR-15"},
        ("pull_request", "refs/pull/15/merge", True, "https://x/7/", None),
    ),
    (
        "circleci",
        {
            "CIRCLECI": "true",
            "CIRCLE_SHA1": SHA,
            "CIRCLE_BRANCH": "pull/15",
            "CIRCLE_PR_NUMBER": "15",
            "CIRCLE_PR_REPONAME": "shop",
            "CIRCLE_USERNAME": "ann",
        },
        ("pull_request", "refs/pull/15/merge", True, None, "ann"),
    ),
    (
        "circleci",
        {"CIRCLECI": "true", "CIRCLE_SHA1": SHA, "CIRCLE_TAG": "v1"},
        ("tag", "refs/tags/v1", None, None, None),
    ),
    (
        "azure",
        {
            "TF_BUILD": "True",
            "BUILD_REASON": "PullRequest",
            "BUILD_SOURCEVERSION": SHA,
            "BUILD_SOURCEBRANCH": "refs/pull/15/merge",
            "SYSTEM_PULLREQUEST_ISFORK": "False",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
            "SYSTEM_TEAMPROJECT": "shop",
            "BUILD_BUILDID": "7",
            "BUILD_REQUESTEDFOR": "Ann",
        },
        (
            "pull_request",
            "refs/pull/15/merge",
            False,
            "https://dev.azure.com/acme/shop/_build/results?buildId=7",
            "Ann",
        ),
    ),
    (
        "bitbucket",
        {
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_COMMIT": SHA,
            "BITBUCKET_BRANCH": "main",
            "BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.org/acme/shop",
        },
        (
            "push",
            "refs/heads/main",
            None,
            "https://bitbucket.org/acme/shop/pipelines/results/7",
            None,
        ),
    ),
    (
        "buildkite",
        {
            "BUILDKITE": "true",
            "BUILDKITE_COMMIT": SHA,
            "BUILDKITE_BRANCH": "topic",
            "BUILDKITE_PULL_REQUEST": "15",
            "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/eve/shop.git",
            "BUILDKITE_REPO": "git@github.com:acme/shop.git",
        },
        ("pull_request", "refs/pull/15/merge", True, None, None),
    ),
    (
        "buildkite",
        {
            "BUILDKITE": "true",
            "BUILDKITE_COMMIT": SHA,
            "BUILDKITE_BRANCH": "main",
            "BUILDKITE_PULL_REQUEST": "false",
            "BUILDKITE_SOURCE": "schedule",
        },
        ("schedule", "refs/heads/main", None, None, None),
    ),
    (
        "drone",
        {
            "DRONE": "true",
            "DRONE_COMMIT_SHA": SHA,
            "DRONE_BUILD_EVENT": "pull_request",
            "DRONE_PULL_REQUEST": "15",
        },
        ("pull_request", "refs/pull/15/merge", None, None, None),
    ),
    (
        "woodpecker",
        {
            "CI": "woodpecker",
            "CI_COMMIT_SHA": SHA,
            "CI_PIPELINE_EVENT": "cron",
            "CI_COMMIT_BRANCH": "main",
        },
        ("schedule", "refs/heads/main", None, None, None),
    ),
    (
        "travis",
        {
            "TRAVIS": "true",
            "TRAVIS_COMMIT": SHA,
            "TRAVIS_EVENT_TYPE": "pull_request",
            "TRAVIS_PULL_REQUEST": "15",
            "TRAVIS_PULL_REQUEST_SLUG": "acme/shop",
            "TRAVIS_REPO_SLUG": "acme/shop",
            "TRAVIS_BRANCH": "main",
        },
        ("pull_request", "refs/pull/15/merge", False, None, None),
    ),
    (
        "semaphore",
        {
            "SEMAPHORE": "true",
            "SEMAPHORE_GIT_SHA": SHA,
            "SEMAPHORE_GIT_REF_TYPE": "tag",
            "SEMAPHORE_GIT_TAG_NAME": "v1",
            "SEMAPHORE_ORGANIZATION_URL": "https://acme.semaphoreci.com",
            "SEMAPHORE_WORKFLOW_ID": "7",
        },
        ("tag", "refs/tags/v1", None, "https://acme.semaphoreci.com/workflows/7", None),
    ),
    (
        "appveyor",
        {
            "APPVEYOR": "True",
            "APPVEYOR_REPO_COMMIT": SHA,
            "APPVEYOR_REPO_BRANCH": "main",
            "APPVEYOR_REPO_TAG": "true",
            "APPVEYOR_REPO_TAG_NAME": "v1",
        },
        ("tag", "refs/tags/v1", None, None, None),
    ),
    (
        "codefresh",
        {
            "CF_BUILD_ID": "7",
            "CF_REVISION": SHA,
            "CF_BRANCH": "topic",
            "CF_PULL_REQUEST_NUMBER": "15",
            "CF_PULL_REQUEST_IS_FORK": "true",
            "CF_BUILD_INITIATOR": "ann",
        },
        ("pull_request", "refs/pull/15/merge", True, None, "ann"),
    ),
    (
        "codebuild",
        {
            "CODEBUILD_BUILD_ID": "shop:7",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": SHA,
            "CODEBUILD_WEBHOOK_EVENT": "PULL_REQUEST_UPDATED",
            "CODEBUILD_WEBHOOK_TRIGGER": "pr/15",
        },
        ("pull_request", "refs/pull/15/merge", None, None, None),
    ),
    (
        "google",
        {
            "PROJECT_ID": "acme",
            "PROJECT_NUMBER": "1",
            "BUILD_ID": "7",
            "COMMIT_SHA": SHA,
            "TRIGGER_NAME": "pulls",
            "_PR_NUMBER": "15",
            "_HEAD_REPO_URL": "https://github.com/eve/shop",
            "REPO_FULL_NAME": "acme/shop",
        },
        (
            "pull_request",
            "refs/pull/15/merge",
            True,
            "https://console.cloud.google.com/cloud-build/builds/7?project=acme",
            None,
        ),
    ),
]


@pytest.mark.parametrize(("provider", "environ", "expected"), ENVIRONMENTS)
def test_a_job(
    provider: str, environ: dict[str, str], expected: tuple[str, str, bool | None, str, str]
) -> None:
    found = job(environ)
    assert found.provider == provider
    assert found.sha == SHA
    ref = None if found.ref is None else found.ref.full
    assert (found.event, ref, found.fork, found.run_url, found.actor) == expected


def test_every_provider_has_an_environment_here() -> None:
    covered = {provider for provider, _, _ in ENVIRONMENTS} | {"teamcity"}
    assert {provider.name for provider in PROVIDERS} == covered


def test_teamcity_tells_by_files() -> None:
    files = {
        "/system": "#a comment\nteamcity.configuration.properties.file=/more\n"
        f"build.vcs.number={SHA}\n",
        "/more": "teamcity.build.branch=feature/a\\:b\nteamcity.build.triggeredBy.username=ann\n",
    }
    environ = {"TEAMCITY_VERSION": "2026.1", "TEAMCITY_BUILD_PROPERTIES_FILE": "/system"}
    found = find_job(environ, files.get)
    assert found is not None
    assert (found.sha, str(found.ref), found.actor) == (SHA, "the branch feature/a:b", "ann")


PULL = {
    "number": 15,
    "pull_request": {
        "head": {"sha": HEAD, "repo": {"full_name": "eve/shop"}},
        "base": {"sha": "cd" * 20, "ref": "main"},
    },
    "repository": {"full_name": "acme/shop", "default_branch": "main"},
}


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_a_pull_request_of_a_fork_on_github(event: str) -> None:
    ref = "refs/heads/main" if event.endswith("target") else "refs/pull/15/merge"
    found = job({**GITHUB, "GITHUB_EVENT_NAME": event, "GITHUB_REF": ref}, PULL)
    assert (found.pull_request, found.fork, found.head_sha) == ("15", True, HEAD)
    assert (found.base_ref, found.default_branch, found.base_sha) == ("main", "main", "cd" * 20)
    assert found.untrusted == "pull request 15 comes from a fork: those are never published"


def test_whether_it_is_a_fork_counts_as_yes_where_nobody_tells() -> None:
    ours = {**PULL, "pull_request": {"head": {"repo": {"full_name": "Acme/Shop"}}}}
    gone = {**PULL, "pull_request": {"head": {"repo": None}}}
    environ = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/15/merge"}
    assert job(environ, ours).untrusted is None
    assert job(environ, gone).fork is True
    assert "does not tell whether pull request 15 comes from a fork" in str(job(environ).untrusted)


@pytest.mark.parametrize("text", ["no json", "[]", '{"pull_request": 1, "repository": []}'])
def test_a_damaged_event_tells_nothing(text: str) -> None:
    environ = {**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
    found = find_job(environ, lambda _: text)
    assert found is not None
    assert (found.event, found.default_branch) == ("push", None)


def test_no_ci() -> None:
    assert find_job({"CI": "true", "HOME": "/root"}) is None


def test_two_at_once_are_an_error_that_names_the_variables_and_the_way_out() -> None:
    both = {**GITHUB, **JENKINS}
    with pytest.raises(PlanError) as caught:
        find_job(both)
    assert "GITHUB_ACTIONS (GitHub Actions) and JENKINS_URL (Jenkins)" in caught.value.message
    assert "KEELWAY_CI=github or KEELWAY_CI=jenkins" in str(caught.value.next_step)
    chosen = find_job({**both, "KEELWAY_CI": "jenkins"})
    assert chosen is not None
    assert chosen.provider == "jenkins"
    assert find_job({**both, "KEELWAY_CI": "none"}) is None
    with pytest.raises(PlanError, match="no CI that keelway knows"):
        find_job({"KEELWAY_CI": "hudson"})
