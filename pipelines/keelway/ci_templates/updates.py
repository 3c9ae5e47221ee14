"""Who proposes newer bases, actions and packages: Dependabot or Renovate.

Dependabot: https://docs.github.com/en/code-security/reference/supply-chain-security/dependabot-options-reference
Renovate: https://docs.renovatebot.com/configuration-options/
Both wait for some days: what is malicious is mostly found by then, and withdrawn.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keelway.ci_templates.github_run import ACTION_FOLDER
from keelway.ci_templates.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.ci_templates.description import Pipeline
    from keelway.ci_templates.yaml_text import Node

DEPENDABOT = ".github/dependabot.yml"
RENOVATE = "renovate.json"
WAIT_DAYS = 7
_ACTIONS = ("/", f"/{ACTION_FOLDER}")


def render_dependabot(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the file by its path inside the repository."""
    folders: dict[str, list[Node]] = {"github-actions": list(_ACTIONS)}
    for ecosystem, folder in pipeline.ecosystems:
        folders.setdefault(ecosystem, []).append(folder)
    updates: Node = [
        {
            "package-ecosystem": ecosystem,
            "directories": where,
            "schedule": {"interval": "weekly"},
            "cooldown": {"default-days": WAIT_DAYS},
            "groups": {ecosystem: {"patterns": ["*"]}},
        }
        for ecosystem, where in folders.items()
    ]
    return {DEPENDABOT: to_yaml({"version": 2, "updates": updates})}


def render_renovate(_: Pipeline) -> Mapping[str, str]:
    """Return the file by its path inside the repository."""
    document = {
        "$schema": "https://docs.renovatebot.com/renovate-schema.json",
        "description": ["Newer bases, actions and packages, each pinned by its digest."],
        "extends": [
            "config:recommended",
            "docker:pinDigests",
            "helpers:pinGitHubActionDigestsToSemver",
            ":configMigration",
        ],
        "minimumReleaseAge": f"{WAIT_DAYS} days",
        "schedule": ["* 0-5 * * 1"],
        "timezone": "Etc/UTC",
    }
    return {RENOVATE: json.dumps(document, indent=2) + "\n"}
