"""CircleCI.

Syntax: https://circleci.com/docs/reference/configuration-reference/
Secrets are those of the context `keelway-release`; builds of forks get no context. A cache belongs
to the whole project: whoever may push a branch may write one, so what publishes reads one only
where it has the key that says which to believe.
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
_DELIVERS = "<< parameters.deliver >>"
_CACHED = f"[ {_DELIVERS} = false ]"
_PIP = "~/.cache/pip"


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
    token = f"if [ {_DELIVERS} = true ]; then\n{_IDENTITY}fi\n"
    work = pipeline.command("<< parameters.command >>")
    when = "" if pipeline.secrets.cache else _CACHED
    return {
        "parameters": {
            "command": {"type": "string"},
            "deliver": {"type": "boolean", "default": False},
        },
        "steps": [
            "checkout",
            *_restored(pipeline),
            {"run": {"name": "Bring keelway", "command": shell.setup(pipeline, Machine.HOSTED)}},
            {
                "run": {
                    "name": "Run keelway",
                    "no_output_timeout": f"{pipeline.timeout_minutes}m",
                    "command": (token if pipeline.keyless else "")
                    + shell.cached_work(pipeline, Machine.HOSTED, work, when=when),
                }
            },
            {
                "run": {
                    "name": "Hand over the reports",
                    "when": "always",
                    "command": shell.own_files(pipeline),
                }
            },
            *_saved(pipeline),
            {"store_test_results": {"path": report}},
            {"store_artifacts": {"path": report}},
        ],
    }


def _keys(pipeline: Pipeline) -> list[Node]:
    """Return the name of a job's cache, and what names of older ones begin with."""
    machine = f"keelway-{pipeline.version}-{{{{ arch }}}}-"
    job = f"{machine}{{{{ .Environment.CIRCLE_JOB }}}}-"
    return [f"{job}{{{{ .Revision }}}}", job, machine]


def _unless_it_delivers(step: Node) -> dict[str, Node]:
    return {"unless": {"condition": _DELIVERS, "steps": [step]}}


def _restored(pipeline: Pipeline) -> list[Node]:
    restore: dict[str, Node] = {"restore_cache": {"keys": _keys(pipeline)}}
    if pipeline.secrets.cache:
        return [restore]
    about = "# What publishes takes nothing from a cache that other jobs can write."
    return [{about: None, **_unless_it_delivers(restore)}]


def _saved(pipeline: Pipeline) -> list[Node]:
    key, *_ = _keys(pipeline)
    save: dict[str, Node] = {"save_cache": {"key": key, "paths": [shell.LAYERS, _PIP]}}
    return [save if pipeline.secrets.cache else _unless_it_delivers(save)]


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
