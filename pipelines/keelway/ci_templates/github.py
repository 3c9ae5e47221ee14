"""GitHub Actions: a workflow, a reusable workflow that its jobs call, and a composite action.

Syntax: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.ci_templates import github_run, pins
from keelway.ci_templates.description import PROOFS_FOLDER
from keelway.ci_templates.github_run import ACTION_FOLDER, RUNNER, in_braces
from keelway.ci_templates.yaml_text import Told, to_yaml
from keelway.model.platform import AMD64, ARM64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

WORKFLOW = ".github/workflows/keelway.yml"

_RUNNERS = {AMD64: RUNNER, ARM64: f"{RUNNER}-arm"}
_CALLED = f"./{github_run.WORKFLOW}"
_PULL = "github.event_name == 'pull_request'"
_READ = Told("read", comment="check out")


def render(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the files by their paths inside the repository."""
    return {
        WORKFLOW: to_yaml(_workflow(pipeline)),
        github_run.WORKFLOW: to_yaml(github_run.reusable(pipeline)),
        f"{ACTION_FOLDER}/action.yml": to_yaml(github_run.action(pipeline)),
    }


def _workflow(pipeline: Pipeline) -> Node:
    return {
        "name": "keelway",
        "on": _triggers(pipeline),
        "# Each job is given what it needs, and no more.": None,
        "permissions": {},
        "concurrency": {
            "group": "keelway-${{ github.event_name }}-${{ github.ref }}",
            "# A release that has begun ends; of a pull request only the newest commit counts.": "",
            "cancel-in-progress": f"${{{{ {_PULL} }}}}",
        },
        "jobs": _jobs(pipeline),
    }


def _triggers(pipeline: Pipeline) -> Node:
    crons = [
        {"cron": Told(cron, comment=comment)}
        for cron, comment in (
            (pipeline.nightly, "every night, in UTC"),
            (pipeline.weekly, "base images, in UTC"),
        )
        if cron is not None
    ]
    return {
        "push": {"branches": list(pipeline.branches), "tags": list(pipeline.tags)},
        "pull_request": None,
        **({"schedule": crons} if crons else {}),
        "workflow_dispatch": None,
    }


def _jobs(pipeline: Pipeline) -> Node:
    native = {} if pipeline.assembled else _native(pipeline)
    proofs = _proofs(pipeline)
    is_weekly = f"github.event_name == 'schedule' && github.event.schedule == '{pipeline.weekly}'"
    not_weekly = f" && !({is_weekly})" if pipeline.weekly else ""
    jobs: dict[str, Node] = {
        "# Pull requests, those of forks too: nothing is published, and no secret is there.": None,
        "verify": {
            "name": "Verify",
            "if": _PULL,
            "permissions": {"contents": _READ, "security-events": _SARIF},
            "uses": _CALLED,
            "with": {"command": "release --no-publish"},
            **_given(pipeline, pipeline.secrets.build),
        },
    }
    if native:
        jobs |= {
            "# Each target for each platform, on a machine of that platform.": None,
            "native": native
            if not pipeline.weekly
            else {"if": in_braces(f"!({is_weekly})"), **native},
        }
    if proofs:
        jobs |= {"# Each platform is built and judged on a machine of its own.": None}
    for name, proof in proofs.items():
        jobs[name] = {"if": f"github.event_name != 'pull_request'{not_weekly}", **proof}
    needed: Node = list(proofs) or ("native" if native else None)
    jobs["release"] = {
        "name": "Release",
        **({"needs": needed} if needed else {}),
        "if": f"github.event_name != 'pull_request'{not_weekly}",
        "permissions": _delivering(pipeline),
        "uses": _CALLED,
        "with": _released(pipeline),
        **_given(pipeline, pipeline.secrets.all),
    }
    if pipeline.weekly:
        jobs |= {
            "# Newer packages in the base images, proposed as a pull request.": None,
            "bases": _bases(pipeline, is_weekly),
        }
    return jobs


_SARIF = Told("write", comment="findings, as SARIF")


def _proofs(pipeline: Pipeline) -> dict[str, dict[str, Node]]:
    """Return a job for each platform: not a matrix, whose jobs have no outputs of their own."""
    runners = {**_RUNNERS, **pipeline.runners}
    return {
        one.key: {
            "name": f"Prove {one.platform}",
            "permissions": {"contents": _READ},
            "uses": _CALLED,
            "with": {
                "command": one.words,
                # By emulation where no machine is named.
                "runner": runners.get(one.platform, runners[AMD64]),
                "artifact": f"keelway-{one.key}",
                "sarif": False,
            },
            **_given(pipeline, pipeline.secrets.build),
        }
        for one in pipeline.proofs
    }


def _released(pipeline: Pipeline) -> Node:
    if not pipeline.assembled:
        return {"command": "release", "deliver": True}
    # The digests come from the jobs themselves, and not with the files that they speak of.
    named = [f"--proof {in_braces(f'needs.{one.key}.outputs.proof')}" for one in pipeline.proofs]
    return {
        "command": f"assemble {PROOFS_FOLDER} {' '.join(named)}",
        "deliver": True,
        "proofs": "keelway-prove-*",
    }


def _native(pipeline: Pipeline) -> dict[str, Node]:
    runners = {**_RUNNERS, **pipeline.runners}
    include: list[Node] = [
        {
            "name": one.title,
            "platform": one.platform,
            "runner": runners[one.platform],
            "command": one.words,
            "artifact": f"keelway-{one.key}",
        }
        for one in pipeline.native_commands
        if one.platform in runners
    ]
    if not include:
        return {}
    return {
        "name": "${{ matrix.name }} (${{ matrix.platform }})",
        "strategy": {"fail-fast": False, "matrix": {"include": include}},
        "permissions": {"contents": _READ},
        "uses": _CALLED,
        "with": {
            "command": "${{ matrix.command }}",
            "runner": "${{ matrix.runner }}",
            "artifact": "${{ matrix.artifact }}",
            "sarif": False,
        },
        **_given(pipeline, pipeline.secrets.build),
    }


def _delivering(pipeline: Pipeline) -> Node:
    rights: dict[str, Node] = {"contents": _READ, "security-events": _SARIF}
    if pipeline.secrets.github_token is not None:
        rights["packages"] = Told("write", comment="publish to ghcr.io")
    if pipeline.keyless:
        rights["id-token"] = Told("write", comment="prove who signs, to Sigstore")
    return rights


def _given(pipeline: Pipeline, names: tuple[str, ...]) -> dict[str, Node]:
    """Return the secrets that a job hands on; its own token is there by itself."""
    given: dict[str, Node] = {
        name: f"${{{{ secrets.{name} }}}}"
        for name in names
        if name != pipeline.secrets.github_token
    }
    return {"secrets": given} if given else {}


def _bases(pipeline: Pipeline, condition: str) -> Node:
    lock = pipeline.inside("keelway.lock")
    secrets: dict[str, Node] = {
        name: "${{ github.token }}"
        if name == pipeline.secrets.github_token
        else f"${{{{ secrets.{name} }}}}"
        for name in pipeline.secrets.deliver
    }
    return {
        "name": "Base images",
        "if": condition,
        "runs-on": pipeline.runners.get(AMD64, RUNNER),
        "timeout-minutes": pipeline.timeout_minutes,
        "permissions": {
            "contents": Told("write", comment="push the branch of the pull request"),
            "pull-requests": Told("write", comment="open it"),
            **(
                {"packages": Told("write", comment="publish base images to ghcr.io")}
                if pipeline.secrets.github_token
                else {}
            ),
        },
        "steps": [
            {
                "uses": pins.CHECKOUT.pinned,
                "with": {"fetch-depth": 0, "persist-credentials": False},
            },
            {
                "uses": f"./{ACTION_FOLDER}",
                "with": {"command": "base --refresh", "cache": "false"},
                **({"env": secrets} if secrets else {}),
            },
            {
                "name": "Propose what changed",
                "env": {"GH_TOKEN": "${{ github.token }}"},
                "run": _PROPOSE.format(lock=lock),
            },
        ],
    }


_PROPOSE = """\
if git diff --quiet -- {lock}; then exit 0; fi
branch="keelway/bases"
git config user.name 'github-actions[bot]'
git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
gh auth setup-git
git switch --create "$branch"
git commit --message 'Base images with newer packages' -- {lock}
git push --force origin "$branch"
gh pr view "$branch" --json state --jq .state | grep -qx OPEN ||
  gh pr create --head "$branch" --title 'Base images with newer packages' \\
    --body 'Made by keelway base --refresh. The digests are those of the images that it published.'
"""
