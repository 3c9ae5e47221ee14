"""Azure Pipelines.

Syntax: https://learn.microsoft.com/en-us/azure/devops/pipelines/yaml-schema/
All values are texts there, numbers too. Secrets are the pipeline's secret variables, which pull
requests of forks do not get; here they are handed to the one step that needs them. Caches belong to
the branch whose run wrote them, which reads besides only those of the default branch: what a pull
request wrote is read by that pull request alone.
https://learn.microsoft.com/en-us/azure/devops/pipelines/release/caching#cache-isolation-and-security
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import shell
from keelway.ci_templates.shell import Machine
from keelway.ci_templates.yaml_text import to_yaml
from keelway.model.platform import AMD64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

PIPELINE = "azure-pipelines.yml"
_IMAGE = "ubuntu-24.04"
# The one folder that a cache is of: the engine's layers, and what pip brought.
_CACHE = ".cache"
_PIP = "$(System.DefaultWorkingDirectory)/.cache/pip"
_IS_PULL = "eq(variables['Build.Reason'], 'PullRequest')"


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    document: dict[str, Node] = {
        "trigger": {
            "branches": {"include": list(pipeline.branches)},
            "tags": {"include": list(pipeline.tags)},
        },
        "pr": {"branches": {"include": ["*"]}},
    }
    if crons := _schedules(pipeline):
        document |= {"# In UTC.": None, "schedules": crons}
    document["jobs"] = _jobs(pipeline)
    return {PIPELINE: to_yaml(document)}


def _schedules(pipeline: Pipeline) -> list[Node]:
    return [
        {
            "cron": cron,
            "displayName": name,
            "always": "true",
            "branches": {"include": [pipeline.branches[0]]},
        }
        for name, cron in (("nightly", pipeline.nightly), ("bases", pipeline.weekly))
        if cron is not None
    ]


def _jobs(pipeline: Pipeline) -> Node:
    not_bases = "ne(variables['Build.CronSchedule.DisplayName'], 'bases')"
    natives = _natives(pipeline, not_bases)
    names: list[Node] = [str(job["job"]) for job in natives]
    jobs: list[Node] = [
        {
            "# Pull requests, those of forks too: nothing is published.": None,
            "job": "verify",
            "condition": _IS_PULL,
            **_shared(pipeline),
            "steps": _steps(pipeline, "release --no-publish", pipeline.secrets.build),
        },
        *natives,
        {
            "job": "release",
            **({"dependsOn": names} if names else {}),
            "condition": f"and(succeeded(), not({_IS_PULL}), {not_bases})",
            **_shared(pipeline),
            "steps": _steps(pipeline, "release", pipeline.secrets.all),
        },
    ]
    if pipeline.weekly:
        jobs.append(
            {
                "# Newer packages in the base images; the changed lock file is kept.": None,
                "job": "bases",
                "condition": "eq(variables['Build.CronSchedule.DisplayName'], 'bases')",
                **_shared(pipeline),
                "steps": [
                    *_steps(pipeline, "base --refresh", pipeline.secrets.deliver, cached=False),
                    {"publish": pipeline.inside("keelway.lock"), "artifact": "keelway-lock"},
                ],
            }
        )
    return jobs


def _natives(pipeline: Pipeline, condition: str) -> list[dict[str, Node]]:
    """Return a job for each platform that the configuration names a pool for."""
    return [
        {
            "job": f"native_{number}",
            "displayName": f"{title} ({platform})",
            "condition": f"and(succeeded(), not({_IS_PULL}), {condition})",
            **_shared(pipeline),
            "pool": pipeline.runners[platform],
            "steps": _steps(pipeline, words, pipeline.secrets.build),
        }
        for number, (title, platform, words) in enumerate(pipeline.native_commands, start=1)
        if platform in pipeline.runners
    ]


def _shared(pipeline: Pipeline) -> dict[str, Node]:
    pool: Node = pipeline.runners.get(AMD64) or {"vmImage": _IMAGE}
    return {"pool": pool, "timeoutInMinutes": str(pipeline.timeout_minutes)}


def _cache(pipeline: Pipeline) -> Node:
    # A segment in quotes is a text; what looks like a path is a file to Azure.
    known = f'keelway | "{pipeline.version}" | "$(Agent.OSArchitecture)"'
    job = f'{known} | "$(System.JobName)"'
    return {
        "task": "Cache@2",
        "displayName": "Bring layers of earlier jobs",
        "# A cache that does not answer costs time, and fails no job.": None,
        "continueOnError": True,
        "inputs": {
            "key": f'{job} | "$(Build.SourceVersion)"',
            "restoreKeys": f"{job}\n{known}\n",
            "path": _CACHE,
        },
    }


def _steps(
    pipeline: Pipeline, words: str, secrets: tuple[str, ...], *, cached: bool = True
) -> list[Node]:
    report = pipeline.report
    command = pipeline.command(*words.split())
    work = shell.cached_work if cached else shell.work
    run: dict[str, Node] = {
        "bash": work(pipeline, Machine.HOSTED, command),
        "displayName": "Run keelway",
    }
    bring: dict[str, Node] = {
        "bash": shell.setup(pipeline, Machine.HOSTED),
        "displayName": "Bring keelway",
        **({"env": {"PIP_CACHE_DIR": _PIP}} if cached else {}),
    }
    if secrets:
        run["env"] = {name: f"$({name})" for name in secrets}
    return [
        {"checkout": "self", "fetchDepth": "0", "fetchTags": "true", "persistCredentials": "false"},
        *([_cache(pipeline)] if cached else []),
        bring,
        run,
        {
            "bash": shell.own_files(pipeline),
            "displayName": "Hand over the reports",
            "condition": "always()",
        },
        {
            "task": "PublishTestResults@2",
            "condition": "always()",
            "inputs": {"testResultsFormat": "JUnit", "testResultsFiles": f"{report}/*.junit.xml"},
        },
        {
            "publish": report,
            "artifact": "keelway-$(System.JobName)-$(System.JobAttempt)",
            "condition": "always()",
        },
    ]
