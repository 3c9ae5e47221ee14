"""CircleCI.

Syntax: https://circleci.com/docs/reference/configuration-reference/
Secrets are those of the context `keelway-release`; builds of forks get no context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import shell
from keelway.ci_templates.shell import Machine
from keelway.ci_templates.yaml_text import to_yaml
from keelway.model.platform import AMD64, ARM64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

PIPELINE = ".circleci/config.yml"
CONTEXT = "keelway-release"
_RUNNERS = {AMD64: "medium", ARM64: "arm.medium"}
# CircleCI's token is for an audience of its own; this one is for Sigstore's.
_IDENTITY = """\
SIGSTORE_ID_TOKEN="$(circleci run oidc get --claims '{"aud": "sigstore"}')"
export SIGSTORE_ID_TOKEN
"""


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    document: Node = {
        "version": 2.1,
        "commands": {"keelway": _command(pipeline)},
        "jobs": _jobs(pipeline),
        "workflows": _workflows(pipeline),
    }
    return {PIPELINE: to_yaml(document)}


def _command(pipeline: Pipeline) -> Node:
    report = pipeline.report
    token = f"if [ << parameters.deliver >> = true ]; then\n{_IDENTITY}fi\n"
    return {
        "parameters": {
            "command": {"type": "string"},
            "deliver": {"type": "boolean", "default": False},
        },
        "steps": [
            "checkout",
            {"run": {"name": "Bring keelway", "command": shell.setup(pipeline, Machine.HOSTED)}},
            {
                "run": {
                    "name": "Run keelway",
                    "no_output_timeout": f"{pipeline.timeout_minutes}m",
                    "command": (token if pipeline.keyless else "")
                    + shell.work(
                        pipeline, Machine.HOSTED, pipeline.command("<< parameters.command >>")
                    ),
                }
            },
            {
                "run": {
                    "name": "Hand over the reports",
                    "when": "always",
                    "command": shell.own_files(pipeline),
                }
            },
            {"store_test_results": {"path": report}},
            {"store_artifacts": {"path": report}},
        ],
    }


def _jobs(pipeline: Pipeline) -> Node:
    def job(command: str, parameters: Node = None, size: str = "", **more: Node) -> Node:
        given: dict[str, Node] = {"parameters": parameters} if parameters else {}
        return {
            **given,
            "machine": {"image": "ubuntu-2404:current"},
            "resource_class": size or pipeline.runners.get(AMD64, _RUNNERS[AMD64]),
            "steps": [{"keelway": {"command": command, **more}}],
        }

    jobs: dict[str, Node] = {"verify": job("release --no-publish")}
    if _native(pipeline):
        text = {"type": "string"}
        jobs["native"] = job(
            "<< parameters.command >>", {"command": text, "size": text}, "<< parameters.size >>"
        )
    jobs["release"] = job("release", deliver=True)
    if pipeline.weekly:
        jobs["bases"] = job("base --refresh")
    return jobs


def _native(pipeline: Pipeline) -> list[tuple[str, dict[str, Node]]]:
    runners = {**_RUNNERS, **pipeline.runners}
    return [
        (one.key, {"name": one.key, "command": one.words, "size": runners[one.platform]})
        for one in pipeline.native_commands
        if one.platform in runners
    ]


def _workflows(pipeline: Pipeline) -> Node:
    branches = list(pipeline.branches)
    tags = [f"/{tag.replace('.', chr(92) + '.').replace('*', '.*')}/" for tag in pipeline.tags]
    released: Node = {"branches": {"only": branches}, "tags": {"only": tags}}
    workflows: dict[str, Node] = {
        "# Other branches and pull requests: nothing is published.": None,
        "verify": {"jobs": [{"verify": {"filters": {"branches": {"ignore": branches}}}}]},
        "release": {"jobs": _flow(pipeline, released)},
    }
    default: Node = {"branches": {"only": branches[0]}}
    if pipeline.nightly:
        workflows |= {
            "# In UTC.": None,
            "nightly": {"triggers": _schedule(pipeline.nightly, default), "jobs": _flow(pipeline)},
        }
    if pipeline.weekly:
        workflows["bases"] = {
            "triggers": _schedule(pipeline.weekly, default),
            "jobs": [{"bases": {"context": [CONTEXT]}}],
        }
    return workflows


def _schedule(cron: str, filters: Node) -> Node:
    return [{"schedule": {"cron": cron, "filters": filters}}]


def _flow(pipeline: Pipeline, filters: Node = None) -> Node:
    where: dict[str, Node] = {"filters": filters} if filters else {}
    native = _native(pipeline)
    needs: dict[str, Node] = {"requires": [name for name, _ in native]} if native else {}
    steps: list[Node] = [{"native": {**given, **where}} for _, given in native]
    return [*steps, {"release": {**needs, "context": [CONTEXT], **where}}]
