"""What the tests of examples/portal have in common."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.examples import Example

IMAGES = ("portal-web", "portal-worker")


def git(folder: Path, *words: str) -> str:
    """Run git, and return what it printed."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def head(example: Example) -> str:
    """Return the commit's full name."""
    return git(example.folder, "rev-parse", "HEAD")


def tagged(example: Example, image: str) -> set[str]:
    """Return the tags that a repository of the example has; evidence aside."""
    path = example.reference(image, "x").partition("/")[2].rpartition(":")[0]
    url = f"http://{example.registry.address}/v2/{path}/tags/list"
    answer = httpx.get(url, trust_env=False).raise_for_status()
    return {tag for tag in answer.json()["tags"] if not tag.startswith("sha256-")}


def digest(example: Example, image: str, tag: str) -> str:
    """Return what a tag names."""
    return example.registry.manifest(example.reference(image, tag))[0]


def layers(example: Example, image: str, architecture: str) -> list[str]:
    """Return the layers of one platform of the image of develop."""
    reference = example.reference(image, "develop-latest")
    (found,) = (
        one["digest"]
        for one in example.registry.manifest(reference)[1]["manifests"]
        if one["platform"]["architecture"] == architecture
    )
    repository = reference.rpartition(":")[0]
    manifest = example.registry.manifest(f"{repository}@{found}")[1]
    return [layer["digest"] for layer in manifest["layers"]]


@contextmanager
def forge(example: Example) -> Generator[str]:
    """Run the example's stand-in for GitHub, and give its address."""
    port = example.port(5203)
    process = subprocess.Popen(
        [sys.executable, "deploy/forge.py", str(port)],
        cwd=example.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(url, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def github(example: Example, event: str, ref: str, **more: str) -> dict[str, str]:
    """Return what GitHub Actions says to a job, as its documentation has it."""
    return {
        "CI": "true",
        "KEELWAY_CI": "github",
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/portal",
        "GITHUB_RUN_ID": "7",
        "GITHUB_ACTOR": "ada",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_REF": ref,
        "GITHUB_SHA": head(example),
        **more,
    }


def gitlab(example: Example, event: str, ref: str) -> dict[str, str]:
    """Return what GitLab says to a job."""
    names = {
        "push": {"CI_COMMIT_BRANCH": ref.removeprefix("refs/heads/")},
        "tag": {"CI_COMMIT_TAG": ref.removeprefix("refs/tags/")},
        "pull_request": {
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2",
        },
    }
    source = {"pull_request": "merge_request_event"}.get(event, "push")
    return {
        "CI": "true",
        "KEELWAY_CI": "gitlab",
        "GITLAB_CI": "true",
        "CI_COMMIT_SHA": head(example),
        "CI_DEFAULT_BRANCH": "main",
        "CI_PIPELINE_SOURCE": source,
        **names[event],
    }


def jenkins(example: Example, event: str, ref: str) -> dict[str, str]:
    """Return what Jenkins says to a build of a multibranch pipeline."""
    name = ref.rpartition("/")[2]
    names = {
        "push": {"BRANCH_NAME": name},
        "tag": {"BRANCH_NAME": name, "TAG_NAME": name},
        "pull_request": {"BRANCH_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_FORK": "eve"},
    }
    return {
        "KEELWAY_CI": "jenkins",
        "JENKINS_URL": "https://ci.example.com/",
        "BUILD_URL": "https://ci.example.com/job/portal/7/",
        "GIT_COMMIT": head(example),
        **names[event],
    }
