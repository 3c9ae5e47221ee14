"""Buildkite.

Syntax: https://buildkite.com/docs/pipelines/configure/step-types/command-step
Secrets are those of the cluster, by the name of the variable. When a pipeline is scheduled is set
in Buildkite, and told in a comment here, as is whether forks are built.
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

PIPELINE = ".buildkite/pipeline.yml"
_IDENTITY = """\
SIGSTORE_ID_TOKEN="$(buildkite-agent oidc request-token --audience sigstore)"
export SIGSTORE_ID_TOKEN
"""
_BASES = "build.env('KEELWAY_TASK') == 'bases'"


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    comments: dict[str, Node] = {
        "# Forks: let Buildkite build their pull requests only where agents hold no secrets.": None
    }
    if pipeline.nightly:
        comments[f"# Every night: a schedule of the pipeline, {pipeline.nightly!r} in UTC."] = None
    if pipeline.weekly:
        about = f"# Base images: another, {pipeline.weekly!r} in UTC, with KEELWAY_TASK=bases."
        comments[about] = None
    return {PIPELINE: to_yaml({**comments, "steps": _steps(pipeline)})}


def _steps(pipeline: Pipeline) -> Node:
    released = " || ".join(
        (
            *(f"build.branch == '{name}'" for name in pipeline.branches),
            *(f"build.tag =~ /^{_pattern(tag)}$/" for tag in pipeline.tags),
        )
    )
    released = f"build.pull_request.id == null && ({released})"
    if pipeline.weekly:
        released += f" && !({_BASES})"
    natives = [
        {**_step(pipeline, f"{title} ({platform})", words, queue=queue), "if": released}
        for title, platform, words in pipeline.native_commands
        if (queue := pipeline.runners.get(platform)) is not None
    ]
    release = _step(pipeline, "release", "release", pipeline.secrets.all, identity=pipeline.keyless)
    steps: list[Node] = [
        {
            **_step(pipeline, "verify", "release --no-publish", pipeline.secrets.build),
            "if": "build.pull_request.id != null"
            # Agents would hand secrets to a fork's code too.
            + (" && !build.pull_request.repository.fork" if pipeline.secrets.build else ""),
        },
        *natives,
        *(["wait"] if natives else []),
        {**release, "if": released},
    ]
    if pipeline.weekly:
        bases = _step(pipeline, "bases", "base --refresh", pipeline.secrets.deliver)
        kept: Node = [f"{pipeline.report}/**/*", pipeline.inside("keelway.lock")]
        steps.append({**bases, "artifact_paths": kept, "if": _BASES})
    return steps


def _pattern(tag: str) -> str:
    return tag.replace(".", "\\.").replace("/", "\\/").replace("*", ".*")


def _step(
    pipeline: Pipeline,
    label: str,
    words: str,
    secrets: tuple[str, ...] = (),
    *,
    queue: str | None = None,
    identity: bool = False,
) -> dict[str, Node]:
    agents = queue or pipeline.runners.get(AMD64)
    return {
        "label": label,
        "key": label.replace(" (", "-").replace(" ", "-").replace("/", "-").rstrip(")"),
        # What Buildkite would put in itself as it reads this file is written with two dollars.
        "command": _escaped(
            (_IDENTITY if identity else "")
            + shell.setup(pipeline, Machine.OWN)
            + shell.work(pipeline, Machine.OWN, pipeline.command(*words.split()))
        ),
        "timeout_in_minutes": pipeline.timeout_minutes,
        "artifact_paths": [f"{pipeline.report}/**/*"],
        **({"agents": {"queue": agents}} if agents else {}),
        **({"secrets": list(secrets)} if secrets else {}),
    }


def _escaped(script: str) -> str:
    return script.replace("$", "$$")
