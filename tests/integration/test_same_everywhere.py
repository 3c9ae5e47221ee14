"""One commit on a laptop and on three CIs: the same tags, labels and digest; and only forward."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.missing import need

if TYPE_CHECKING:
    from tests.support.projects import Project
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"
annotation_levels = ["manifest", "index"]
labels = {{ "com.example.made" = "{{{{commit_date 'YYYY-MM-DD'}}}}" }}
annotations = {{ "manifest-descriptor:com.example.tag" = "{{{{tag}}}}" }}

[images.app]
platforms = ["linux/amd64", "linux/arm64"]
build_args = {{ BASE = "{base}" }}

[tags]
rules = [
  "type=semver,pattern={{{{version}}}}",
  "type=semver,pattern={{{{major}}}}",
  "type=raw,value={{{{date 'YYYYMMDD-HHmm'}}}}",
]

[[registries]]
url = "{registry}/{repository}"

[policy]
enabled = false
[scan]
enabled = false
[sbom]
enabled = false
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS tools
FROM tools
COPY name.txt /srv/name.txt
"""
TITLE, BASE = "org.opencontainers.image.title", "org.opencontainers.image.base"


@pytest.fixture
def tagged(project: Project, registry: Registry, samples: SampleImages, repository: str) -> Project:
    """A project whose commit is the release v1.4.0."""
    config = CONFIG.format(base=samples.busybox, registry=registry.address, repository=repository)
    project.write({"keelway.toml": config, "Dockerfile": DOCKERFILE})
    release(project, "v1.4.0")
    return project


def release(project: Project, tag: str) -> None:
    """Commit everything, tagged."""
    git = need("git", package="git")
    project.commit()
    subprocess.run([git, "tag", tag], cwd=project.folder, check=True)


def environments(sha: str) -> dict[str, dict[str, str]]:
    """Return the environments of a run for the git tag, as each CI has them."""
    return {
        "laptop": {},
        "github": {
            "KEELWAY_CI": "",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": "refs/tags/v1.4.0",
            "GITHUB_SHA": sha,
        },
        "gitlab": {
            "KEELWAY_CI": "gitlab",
            "GITLAB_CI": "true",
            "CI_PIPELINE_SOURCE": "push",
            "CI_COMMIT_TAG": "v1.4.0",
            "CI_COMMIT_SHA": sha,
        },
        "jenkins": {
            "KEELWAY_CI": "jenkins",
            "JENKINS_URL": "https://ci.example.com/",
            "BRANCH_NAME": "v1.4.0",
            "TAG_NAME": "v1.4.0",
            "GIT_COMMIT": sha,
        },
    }


def head(project: Project) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def published(project: Project, **environment: str) -> dict[str, Any]:
    """Return what a release published."""
    done = project.keelway("release", "--engine", "local", **environment)
    assert done.code == 0, done.text()
    (image,) = project.report()["published"]
    found: dict[str, Any] = image
    return found


def test_a_commit_is_the_same_release_everywhere(
    tagged: Project, registry: Registry, repository: str, samples: SampleImages
) -> None:
    done = {
        where: published(tagged, **environment)
        for where, environment in environments(head(tagged)).items()
    }
    for where, image in done.items():
        assert image == done["laptop"], where

    digest, index = registry.manifest(f"{repository}/app:1.4.0")
    assert digest == done["laptop"]["digest"]
    for tag in ("1", "20240501-1200", "latest"):
        assert registry.manifest(f"{repository}/app:{tag}")[0] == digest
    assert index["annotations"][TITLE] == "app"
    entry = index["manifests"][0]
    assert entry["annotations"]["com.example.tag"] == "v1.4.0"
    _, manifest = registry.manifest(f"{repository}/app@{entry['digest']}")
    labels = registry.config(f"{repository}/app", manifest)["config"]["Labels"]
    assert labels["com.example.made"] == "2024-05-01"
    name, _, base = samples.busybox.partition("@")
    assert labels[f"{BASE}.name"] == manifest["annotations"][f"{BASE}.name"] == name
    assert labels[f"{BASE}.digest"] == (base or registry.manifest(name.partition("/")[2])[0])


def test_a_patch_of_an_older_line_does_not_take_latest_back(
    tagged: Project, registry: Registry, repository: str
) -> None:
    newest = published(tagged)["digest"]
    tagged.write({"name.txt": "older\n"})
    release(tagged, "v1.3.9")
    done = tagged.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    assert "latest stays where it is: the registry has 1.4.0, which is newer" in done.text()
    for tag in ("1", "latest", "1.4.0"):
        assert registry.manifest(f"{repository}/app:{tag}")[0] == newest
    assert registry.manifest(f"{repository}/app:1.3.9")[0] != newest


def test_tags_are_explained(tagged: Project) -> None:
    done = tagged.keelway("tags", "--json")
    assert done.code == 0, done.text()
    data = json.loads(done.out)
    assert [tag["tag"] for tag in data["tags"]] == ["1.4.0", "1", "20240501-1200", "latest"]
    assert [tag["moves_forward_only"] for tag in data["tags"]] == [False, True, False, True]
    text = tagged.keelway("tags").out
    assert "type=semver,pattern={{major}}" in text
    assert "moves only where the registry has nothing newer" in text


def test_a_checkout_of_something_else_is_refused_with_the_way_out(tagged: Project) -> None:
    environment = environments("f" * 40)["github"]
    done = tagged.keelway("tags", **environment)
    assert done.code == 3
    assert "GITHUB_SHA" in done.err
    assert "KEELWAY_CI=none" in done.err
