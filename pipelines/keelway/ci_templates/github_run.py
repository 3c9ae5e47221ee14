"""GitHub Actions: the reusable workflow that jobs call, and the composite action inside it.

Syntax: https://docs.github.com/en/actions/reference/workflows-and-actions/reusable-workflows and
https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import pins, shell
from keelway.ci_templates.description import DIGEST_FILE, PROOFS_FOLDER
from keelway.ci_templates.shell import Machine
from keelway.ci_templates.yaml_text import Told
from keelway.model.platform import AMD64

if TYPE_CHECKING:
    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

WORKFLOW = ".github/workflows/keelway-run.yml"
ACTION_FOLDER = ".github/actions/keelway"
RUNNER = "ubuntu-24.04"
_PYTHON = "3.13"
_SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
_WORDS = '"${words[@]}"'
_CACHED = '[ "$KEELWAY_CACHE" = true ]'


def in_braces(expression: str) -> str:
    """Return an expression as YAML takes it without quotes, whatever it begins with."""
    return f"${{{{ {expression} }}}}"


def reusable(pipeline: Pipeline) -> Node:
    """Return the workflow that runs one command and keeps its reports."""
    passed: dict[str, Node] = {
        name: {"required": False}
        for name in pipeline.secrets.all
        if name != pipeline.secrets.github_token
    }
    return {
        "name": "keelway, one command",
        "on": {
            "workflow_call": {
                "inputs": _inputs(pipeline),
                **(
                    {
                        "outputs": {
                            "proof": {
                                "description": "The digest of the proof that was made.",
                                "value": "${{ jobs.run.outputs.proof }}",
                            }
                        }
                    }
                    if pipeline.assembled
                    else {}
                ),
                **({"secrets": passed} if passed else {}),
            }
        },
        "jobs": {
            "run": {
                "name": "keelway ${{ inputs.command }}",
                "runs-on": "${{ inputs.runner }}",
                "timeout-minutes": "${{ inputs.timeout-minutes }}",
                **(
                    {"outputs": {"proof": "${{ steps.keelway.outputs.proof }}"}}
                    if pipeline.assembled
                    else {}
                ),
                "steps": _steps(pipeline),
            }
        },
    }


def _inputs(pipeline: Pipeline) -> Node:
    text, flag = {"type": "string"}, {"type": "boolean"}
    return {
        "command": {
            "description": "Words for keelway, as in `release --no-publish`.",
            **text,
            "required": True,
        },
        "runner": {
            "description": "The machine.",
            **text,
            "default": pipeline.runners.get(AMD64, RUNNER),
        },
        "deliver": {
            "description": "Whether the secrets of publishing are handed over.",
            **flag,
            "default": False,
        },
        "sarif": {
            "description": "Whether findings go to code scanning.",
            **flag,
            "default": True,
        },
        "artifact": {
            "description": "The name that the reports are kept under.",
            **text,
            "default": "keelway",
        },
        **(
            {
                "proofs": {
                    "description": "Reports of other jobs that are brought first, as a pattern.",
                    **text,
                    "default": "",
                }
            }
            if pipeline.assembled
            else {}
        ),
        "timeout-minutes": {
            "description": "After how long it is stopped.",
            "type": "number",
            "default": pipeline.timeout_minutes,
        },
    }


def _steps(pipeline: Pipeline) -> Node:
    return [
        {
            "uses": pins.CHECKOUT.pinned,
            "with": {
                "fetch-depth": Told("0", comment="tags, and the commit's place among them"),
                "persist-credentials": False,
            },
        },
        *_brought(pipeline),
        {
            **({"id": "keelway"} if pipeline.assembled else {}),
            "uses": f"./{ACTION_FOLDER}",
            "with": {"command": "${{ inputs.command }}", "cache": _may_cache(pipeline)},
            **_secret_environment(pipeline),
        },
        {
            "# Code scanning takes no findings from a fork's pull request.": None,
            "if": in_braces(
                f"!cancelled() && inputs.sarif && hashFiles('{pipeline.report}/scan/*.sarif') != ''"
                f" && (github.event_name != 'pull_request' || {_SAME_REPOSITORY})"
            ),
            "uses": pins.UPLOAD_SARIF.pinned,
            "with": {"sarif_file": f"{pipeline.report}/scan"},
        },
        {
            "if": in_braces("!cancelled()"),
            "uses": pins.UPLOAD_ARTIFACT.pinned,
            "with": {
                "name": "${{ inputs.artifact }}",
                "path": pipeline.report,
                "# The report directory begins with a dot.": None,
                "include-hidden-files": True,
                "if-no-files-found": "ignore",
                "retention-days": 30,
            },
        },
    ]


def _may_cache(pipeline: Pipeline) -> str:
    """Return whether a job may take what others left.

    Not what publishes, or is published: unless it has the key that says what to believe.
    """
    if pipeline.assembled:
        return "${{ github.event_name == 'pull_request' }}"
    return "true" if pipeline.secrets.cache else "${{ !inputs.deliver }}"


def _brought(pipeline: Pipeline) -> list[Node]:
    if not pipeline.assembled:
        return []
    return [
        {
            "if": "inputs.proofs != ''",
            "uses": pins.DOWNLOAD_ARTIFACT.pinned,
            "with": {"pattern": "${{ inputs.proofs }}", "path": PROOFS_FOLDER},
        }
    ]


def _secret_environment(pipeline: Pipeline) -> dict[str, Node]:
    secrets = pipeline.secrets
    values: dict[str, Node] = {
        name: f"${{{{ secrets.{name} }}}}" for name in secrets.build if name != secrets.github_token
    }
    for name in secrets.deliver:
        source = "github.token" if name == secrets.github_token else f"secrets.{name}"
        values.setdefault(name, f"${{{{ inputs.deliver && {source} || '' }}}}")
    return {"env": values} if values else {}


def action(pipeline: Pipeline) -> Node:
    """Return the action that brings keelway and runs a command."""
    key = f"keelway-{pipeline.version}-${{{{ runner.os }}}}-${{{{ runner.arch }}}}-"
    others = [program for program in pipeline.programs if program.name != "cosign"]
    steps: list[Node] = [
        {"uses": pins.SETUP_PYTHON.pinned, "with": {"python-version": _PYTHON}},
        {
            "# What publishes takes nothing from a cache that other jobs can write.": None,
            "if": "inputs.cache == 'true'",
            "uses": pins.CACHE.pinned,
            "with": {
                "path": f"~/.cache/pip\n{shell.LAYERS}\n",
                "# Layers differ from commit to commit; those of the last one come closest.": None,
                "key": f"{key}${{{{ github.sha }}}}",
                "restore-keys": key,
            },
        },
    ]
    if len(others) < len(pipeline.programs):
        steps.append({"uses": pins.COSIGN_INSTALLER.pinned})
    steps += [
        {
            "name": "Bring keelway and what it needs",
            "shell": "bash",
            "run": shell.setup(pipeline, Machine.HOSTED, programs=bool(others)),
        },
        {
            "name": "Run keelway",
            **({"id": "run"} if pipeline.assembled else {}),
            "shell": "bash",
            "env": {
                "KEELWAY_COMMAND": "${{ inputs.command }}",
                "KEELWAY_CACHE": "${{ inputs.cache }}",
            },
            "run": _RUN.format(
                work=shell.cached_work(
                    pipeline, Machine.HOSTED, pipeline.command(_WORDS), when=_CACHED
                )
            )
            + (_HAND_ON.format(digest=f"{pipeline.report}/{DIGEST_FILE}") * pipeline.assembled),
        },
        {
            "name": "Hand over the reports",
            "if": in_braces("!cancelled()"),
            "shell": "bash",
            "run": shell.own_files(pipeline),
        },
    ]
    return {
        "name": "keelway",
        "description": "Builds, judges and publishes container images by one command of keelway's.",
        "inputs": {
            "command": {
                "description": "Words for keelway, as in `release --no-publish`.",
                "required": True,
            },
            "cache": {
                "description": "Whether layers and packages are kept between runs.",
                "default": "true",
            },
        },
        **(
            {
                "outputs": {
                    "proof": {
                        "description": "The digest of the proof that was made.",
                        "value": "${{ steps.run.outputs.proof }}",
                    }
                }
            }
            if pipeline.assembled
            else {}
        ),
        "runs": {"using": "composite", "steps": steps},
    }


_HAND_ON = """\
if [ -f {digest} ]; then echo "proof=$(cat {digest})" >>"$GITHUB_OUTPUT"; fi
"""
# The words come in as a variable: what stands in them is never a part of the script.
_RUN = """\
read -ra words <<<"$KEELWAY_COMMAND"
{work}"""
