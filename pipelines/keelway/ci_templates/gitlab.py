"""GitLab CI/CD: a component, and the pipeline that includes it.

Syntax: https://docs.gitlab.com/ci/yaml/ and https://docs.gitlab.com/ci/components/
The template stands where components of a project stand, so other projects can include it as
`component: HOST/PROJECT/keelway@VERSION`. When pipelines are scheduled is no part of these files in
GitLab: it is set in the project, and told in a comment here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import shell
from keelway.ci_templates.description import DIGEST_FILE
from keelway.ci_templates.shell import Machine
from keelway.ci_templates.yaml_text import to_yaml
from keelway.model.platform import AMD64, ARM64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

PIPELINE = ".gitlab-ci.yml"
COMPONENT = "templates/keelway.yml"
TASK = "KEELWAY_TASK"
"""The variable of a schedule that names another task than a release: `bases`."""

IMAGE = "debian:bookworm"
# GitLab.com's own machines.
_RUNNERS = {AMD64: "saas-linux-small-amd64", ARM64: "saas-linux-small-arm64"}
_MERGE = '$CI_PIPELINE_SOURCE == "merge_request_event"'
_SCHEDULE = '$CI_PIPELINE_SOURCE == "schedule"'


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    component = f"{to_yaml(_spec(pipeline))}---\n{to_yaml(_jobs(pipeline))}"
    return {PIPELINE: to_yaml(_pipeline(pipeline)), COMPONENT: component}


def _pipeline(pipeline: Pipeline) -> Node:
    schedules: dict[str, Node] = {}
    if pipeline.nightly:
        schedules[f"# Every night: a schedule of the project, {pipeline.nightly!r} in UTC."] = None
    if pipeline.weekly:
        schedules[f"# Base images: another one, {pipeline.weekly!r} in UTC, with {TASK}=bases."] = (
            None
        )
    return {
        "# One pipeline a commit: of the merge request, where there is one.": None,
        "workflow": {
            "rules": [
                {"if": _MERGE},
                {"if": "$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS", "when": "never"},
                {"when": "always"},
            ]
        },
        **schedules,
        "include": [{"local": f"/{COMPONENT}"}],
    }


def _spec(pipeline: Pipeline) -> Node:
    return {
        "spec": {
            "inputs": {
                "image": {
                    "default": IMAGE,
                    "description": "The image of the jobs: of Debian or Ubuntu, or with keelway.",
                },
                "stage": {"default": "test", "description": "The stage of the jobs."},
                "release-command": {
                    "default": pipeline.command(*_release(pipeline)),
                    "description": "What releases.",
                },
            }
        }
    }


def _release(pipeline: Pipeline) -> list[str]:
    """Return the words of a release; digests of proofs come as variables of the jobs before it."""
    if not pipeline.assembled:
        return ["release"]
    named = [f'--proof "${one.variable}"' for one in pipeline.proofs]
    return ["assemble", pipeline.report, *named]


def _jobs(pipeline: Pipeline) -> Node:
    jobs: dict[str, Node] = {".keelway": _shared(pipeline)}
    native = _proving(pipeline) if pipeline.assembled else _native(pipeline)
    if native:
        jobs |= {
            "# Each target for each platform, on a machine of that platform.": None,
            "keelway-native": native,
        }
    jobs |= {
        "# Merge requests, those of forks too: nothing is published. Make the secrets": None,
        "# protected variables: then these jobs don't see them.": None,
        "keelway-verify": {
            "extends": ".keelway",
            "rules": [{"if": _MERGE}],
            "interruptible": True,
            "script": [
                shell.cached_work(
                    pipeline, Machine.CONTAINER, pipeline.command("release", "--no-publish")
                )
            ],
        },
        "keelway-release": {
            "extends": ".keelway",
            **({"needs": ["keelway-native"]} if native else {}),
            "rules": [*_not_bases(pipeline), *_released(pipeline)],
            **_identity(pipeline),
            "script": [
                shell.cached_work(pipeline, Machine.CONTAINER, "$[[ inputs.release-command ]]")
            ],
        },
    }
    if pipeline.weekly:
        jobs["keelway-bases"] = _bases(pipeline)
    return jobs


def _shared(pipeline: Pipeline) -> Node:
    report = pipeline.report
    return {
        "image": "$[[ inputs.image ]]",
        "stage": "$[[ inputs.stage ]]",
        "timeout": f"{pipeline.timeout_minutes} minutes",
        "variables": {
            "# All of it: the commit's tags, and its place among them.": None,
            "GIT_DEPTH": "0",
            "PIP_CACHE_DIR": "$CI_PROJECT_DIR/.cache/pip",
        },
        "# Protected branches have caches of their own, unless the project says otherwise.": None,
        "cache": {
            "key": f"keelway-{pipeline.version}-$RUNNER",
            "paths": [".cache/pip", shell.LAYERS],
        },
        "before_script": [shell.setup(pipeline, Machine.CONTAINER)],
        "artifacts": {
            "when": "always",
            "expire_in": "30 days",
            "paths": [f"{report}/"],
            "reports": {
                "junit": f"{report}/*.junit.xml",
                "container_scanning": f"{report}/gl-container-scanning-report.json",
            },
        },
    }


def _native(pipeline: Pipeline) -> dict[str, Node]:
    runners = {**_RUNNERS, **pipeline.runners}
    matrix: list[Node] = [
        {"TASK": title, "RUNNER": runners[platform], "COMMAND": pipeline.command(*words.split())}
        for title, platform, words in pipeline.native_commands
        if platform in runners
    ]
    if not matrix:
        return {}
    return {
        "extends": ".keelway",
        "rules": [*_not_bases(pipeline), *_released(pipeline)],
        "parallel": {"matrix": matrix},
        "tags": ["$RUNNER"],
        "script": [shell.cached_work(pipeline, Machine.CONTAINER, "$COMMAND")],
    }


def _proving(pipeline: Pipeline) -> dict[str, Node]:
    runners = {**_RUNNERS, **pipeline.runners}
    told = f"{pipeline.report}/proof/job.env"
    matrix: list[Node] = [
        {
            "TASK": one.title,
            # By emulation where no machine is named.
            "RUNNER": runners.get(one.platform, runners[AMD64]),
            "COMMAND": pipeline.command(*one.words.split()),
            "PROOF": one.variable,
        }
        for one in pipeline.proofs
    ]
    hand_on = f'echo "$PROOF=$(cat {pipeline.report}/{DIGEST_FILE})" >{told}\n'
    return {
        "extends": ".keelway",
        "rules": [*_not_bases(pipeline), *_released(pipeline)],
        "parallel": {"matrix": matrix},
        "tags": ["$RUNNER"],
        "script": [shell.cached_work(pipeline, Machine.CONTAINER, "$COMMAND") + hand_on],
        "artifacts": {"reports": {"dotenv": told}},
    }


def _released(pipeline: Pipeline) -> list[Node]:
    tags = "|".join(pattern.replace(".", "\\.").replace("*", ".*") for pattern in pipeline.tags)
    rules: list[Node] = [{"if": f"$CI_COMMIT_TAG =~ /^({tags.replace('/', chr(92) + '/')})$/"}]
    rules += [{"if": f"$CI_COMMIT_BRANCH {_like(branch)}"} for branch in pipeline.branches]
    return [*rules, {"if": _SCHEDULE}]


def _like(pattern: str) -> str:
    """Return what compares with a name, in which `*` stands for anything."""
    if "*" not in pattern:
        return f'== "{pattern}"'
    escaped = pattern.replace(".", "\\.").replace("/", "\\/").replace("*", ".*")
    return f"=~ /^{escaped}$/"


def _not_bases(pipeline: Pipeline) -> list[Node]:
    rule: Node = {"if": f'${TASK} == "bases"', "when": "never"}
    return [rule] if pipeline.weekly else []


def _identity(pipeline: Pipeline) -> dict[str, Node]:
    if not pipeline.keyless:
        return {}
    return {
        "# Proves who signs, to Sigstore.": None,
        "id_tokens": {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}},
    }


def _bases(pipeline: Pipeline) -> Node:
    lock = pipeline.inside("keelway.lock")
    return {
        "extends": ".keelway",
        "rules": [{"if": f'{_SCHEDULE} && ${TASK} == "bases"'}],
        "script": [
            shell.work(pipeline, Machine.CONTAINER, pipeline.command("base", "--refresh"))
            + _PROPOSE.format(lock=lock)
        ],
    }


# GitLab opens the merge request by what a push says. The job's own token can't push: a project's
# access token does, as the variable KEELWAY_PUSH_TOKEN.
_PROPOSE = """\
if git diff --quiet -- {lock}; then exit 0; fi
git -c user.name=keelway -c "user.email=keelway@$CI_SERVER_HOST" \\
  commit --message 'Base images with newer packages' -- {lock}
git push --force \\
  "https://keelway:$KEELWAY_PUSH_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git" \\
  HEAD:refs/heads/keelway/bases \\
  -o merge_request.create -o "merge_request.target=$CI_DEFAULT_BRANCH" \\
  -o merge_request.remove_source_branch
"""
