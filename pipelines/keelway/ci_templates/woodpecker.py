"""Woodpecker, and Drone, which it comes from: alike, but for their words.

Woodpecker: https://woodpecker-ci.org/docs/usage/workflow-syntax
Drone: https://docs.drone.io/pipeline/docker/overview/
Secrets are those of the repository, which pull requests do not get unless each secret says so.
When crons run is set in the repository; they are known by their names here. Neither has a cache of
its own: plug-ins of others keep one in a store or a volume of somebody's, so none is written here.
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

WOODPECKER = ".woodpecker/keelway.yaml"
DRONE = ".drone.yml"
_IMAGE = "debian:bookworm"
_NO_CACHE = "# This CI has no cache of its own: each job starts with an empty store of layers."


def render_woodpecker(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    released = [
        {"event": "push", "branch": list(pipeline.branches)},
        {"event": "tag", "ref": [f"refs/tags/{tag}" for tag in pipeline.tags]},
        *({"event": "cron", "cron": "nightly"} for _ in range(pipeline.nightly is not None)),
        {"event": "manual", "branch": list(pipeline.branches)},
    ]
    steps: list[Node] = [
        _step(pipeline, "verify", "release --no-publish", when=[{"event": "pull_request"}]),
        _step(pipeline, "release", "release", pipeline.secrets.all, when=released),
    ]
    if pipeline.weekly:
        when: Node = [{"event": "cron", "cron": "bases"}]
        steps.append(_step(pipeline, "bases", "base --refresh", pipeline.secrets.deliver, when))
    document: Node = {
        **_comments(pipeline),
        "when": [{"event": ["push", "tag", "pull_request", "cron", "manual"]}],
        "clone": {
            "git": {
                "image": "woodpeckerci/plugin-git",
                "settings": {"partial": False, "depth": 0, "tags": True},
            }
        },
        "steps": steps,
    }
    return {WOODPECKER: to_yaml(document)}


def render_drone(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    refs: list[Node] = [f"refs/heads/{name}" for name in pipeline.branches]
    refs += [f"refs/tags/{tag}" for tag in pipeline.tags]
    released: dict[str, Node] = {"ref": refs, "event": {"exclude": ["pull_request"]}}
    if pipeline.weekly:
        released["cron"] = {"exclude": ["bases"]}
    steps: list[Node] = [
        _step(pipeline, "verify", "release --no-publish", when={"event": ["pull_request"]}),
        _step(pipeline, "release", "release", pipeline.secrets.all, when=released),
    ]
    if pipeline.weekly:
        when: Node = {"event": ["cron"], "cron": ["bases"]}
        steps.append(_step(pipeline, "bases", "base --refresh", pipeline.secrets.deliver, when))
    document: Node = {
        **_comments(pipeline),
        "kind": "pipeline",
        "type": "docker",
        "name": "keelway",
        "steps": steps,
    }
    return {DRONE: to_yaml(document)}


def _comments(pipeline: Pipeline) -> dict[str, Node]:
    told: dict[str, Node] = {_NO_CACHE: None}
    for name, cron in (("nightly", pipeline.nightly), ("bases", pipeline.weekly)):
        if cron is not None:
            told[f"# A cron of the repository, by the name {name!r}: {cron!r} in UTC."] = None
    return told


def _step(
    pipeline: Pipeline,
    name: str,
    words: str,
    secrets: tuple[str, ...] = (),
    when: Node = None,
) -> Node:
    environment: dict[str, Node] = {secret: {"from_secret": secret} for secret in secrets}
    return {
        "name": name,
        "image": _IMAGE,
        "commands": [
            shell.setup(pipeline, Machine.CONTAINER)
            + shell.work(pipeline, Machine.CONTAINER, pipeline.command(*words.split()))
        ],
        **({"environment": environment} if environment else {}),
        "when": when,
    }
