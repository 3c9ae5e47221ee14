"""Runners that carry out a CI's own files on this machine: act for GitHub's, and GitLab's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.missing import need
from tests.support.node import need_node
from tests.support.projects import AUTHOR, NOT_INHERITED, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.projects import Project

TIMEOUT_S = 280
# Actions of others can't be fetched here. In their place each tells that it was called, and what
# keeps files does keep them, and what brings kept files brings them.
_CALLED = """\
name: stand-in
description: stands in for {name}
inputs: {{name: {{default: ""}}, path: {{default: ""}}, pattern: {{default: ""}}}}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        NAME: "${{{{ inputs.name }}}}"
        FROM: "${{{{ inputs.path }}}}"
        PATTERN: "${{{{ inputs.pattern }}}}"
      run: |
        echo "stand-in for {name}"
        if [ "$PATTERN" ]; then mkdir -p "$FROM" && cp -R "$KEPT"/$PATTERN "$FROM"; fi
        if [ "$NAME" ]; then mkdir -p "$KEPT" && cp -R "$FROM" "$KEPT/$NAME"; fi
"""
_USES = re.compile(r"uses: ([\w.-]+/[\w.-]+)(/[\w./-]+)?@([0-9a-f]{40})")


def ci_environment(project: Project, **more: str) -> dict[str, str]:
    """Return the environment of a job: the machine's and the CI's, with `keelway` on PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(NOT_INHERITED) and name != "CI"
    }
    path = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}:/usr/sbin:/sbin"
    home = project.folder.parent / "home"
    home.mkdir(exist_ok=True)
    return {**kept, **project.environment, **AUTHOR, "HOME": str(home), "PATH": path, **more}


def act(
    project: Project, event: str, payload: Mapping[str, Any], job: str, **secrets: str
) -> Outcome:
    """Run one job of the workflow, with those that it needs; what it keeps is in `kept`."""
    beside = project.folder.parent
    (beside / "event.json").write_text(json.dumps(payload))
    words = [
        need("act", package="scripts/go-tools --tests"), event,
        "--job", job, "--eventpath", str(beside / "event.json"),
        "--workflows", ".github/workflows/keelway.yml",
        "--platform", "ubuntu-24.04=-self-hosted",
        "--platform", "ubuntu-24.04-arm=-self-hosted",
        "--use-new-action-cache", "--no-cache-server",
        "--action-cache-path", str(beside / "actions"),
        *(word for name, value in secrets.items() for word in ("--secret", f"{name}={value}")),
        *_stand_ins(project.folder / ".github", beside / "stand-ins"),
    ]  # fmt: skip
    return _run(words, project, KEPT=str(beside / "kept"))


def _stand_ins(files: Path, folder: Path) -> list[str]:
    words: list[str] = []
    used = "".join(path.read_text() for path in files.rglob("*.yml"))
    for repository, path, commit in sorted(set(_USES.findall(used))):
        place = folder / repository
        (place / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        text = _CALLED.format(name=f"{repository}{path}")
        (place / path.lstrip("/") / "action.yml").write_text(text)
        words += ["--local-repository", f"{repository}@{commit}={place}"]
    return words


def gitlab(project: Project, packages: Path, *jobs: str, **variables: str) -> Outcome:
    """Run some jobs of the pipeline, each as in a checkout of its own."""
    subprocess.run(
        ["git", "remote", "add", "origin", "https://gitlab.example.com/acme/sample.git"],
        cwd=project.folder,
        check=True,
    )
    need("rsync", package="rsync")
    given = [f"{name}={value}" for name, value in variables.items()]
    words = [
        str(need_node() / "bin" / "node"), str(packages / "node_modules/.bin/gitlab-ci-local"),
        *jobs, "--force-shell-executor", "--shell-isolation",
        *(word for one in given for word in ("--variable", one)),
        "--ignore-predefined-vars", ",".join(variables),
    ]  # fmt: skip
    return _run(words, project)


def _run(words: list[str], project: Project, **more: str) -> Outcome:
    done = subprocess.run(
        words,
        cwd=project.folder,
        env=ci_environment(project, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)
