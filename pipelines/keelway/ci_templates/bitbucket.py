"""Bitbucket Pipelines.

Syntax: https://support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference/
Secrets are secured variables of the repository; pull requests of forks start no pipeline in it.
When pipelines are scheduled is set in the repository, and told in a comment here. A cache belongs
to the whole repository: whoever may push a branch may write one, so what publishes reads one only
where it has the key that says which to believe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import shell
from keelway.ci_templates.shell import Machine
from keelway.ci_templates.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

PIPELINE = "bitbucket-pipelines.yml"
_IMAGE = "debian:bookworm"
_LONGEST_MINUTES = 720
_LAYERS = "keelway"


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    release = [_step(pipeline, "release", "release", cached=pipeline.secrets.cache)]
    custom: dict[str, Node] = {}
    if pipeline.nightly:
        about = f"# Every night: a schedule of the repository, {pipeline.nightly!r} in UTC."
        custom |= {about: None, "nightly": release}
    if pipeline.weekly:
        about = f"# Base images: another one, {pipeline.weekly!r} in UTC."
        bases = _step(pipeline, "bases", "base --refresh", pipeline.inside("keelway.lock"))
        custom |= {about: None, "bases": [bases]}
    verify = _step(pipeline, "verify", "release --no-publish", cached=True)
    flows: dict[str, Node] = {
        "# Nothing of a pull request is published.": None,
        "pull-requests": {"**": [verify]},
        "branches": dict.fromkeys(pipeline.branches, release),
        "tags": dict.fromkeys(pipeline.tags, release),
        **({"custom": custom} if custom else {}),
    }
    document: Node = {
        "image": _IMAGE,
        "# All of it: the commit's tags, and its place among them.": None,
        "clone": {"depth": "full"},
        "options": {"max-time": min(pipeline.timeout_minutes, _LONGEST_MINUTES)},
        "definitions": {
            "caches": {
                "# The engine's layers; Bitbucket keeps what it has for a week.": None,
                _LAYERS: shell.LAYERS,
            }
        },
        "pipelines": flows,
    }
    return {PIPELINE: to_yaml(document)}


def _step(pipeline: Pipeline, name: str, words: str, *kept: str, cached: bool = False) -> Node:
    command = pipeline.command(*words.split())
    work = shell.cached_work if cached else shell.work
    return {
        "step": {
            "name": name,
            "size": "2x",
            **({"caches": ["pip", _LAYERS]} if cached else {}),
            "script": [
                shell.setup(pipeline, Machine.CONTAINER),
                work(pipeline, Machine.CONTAINER, command),
            ],
            # Bitbucket looks for JUnit files in folders of some names only.
            "after-script": [
                f"mkdir -p test-results; cp {pipeline.report}/*.junit.xml test-results/ || true"
            ],
            "artifacts": [f"{pipeline.report}/**", *kept],
        }
    }
