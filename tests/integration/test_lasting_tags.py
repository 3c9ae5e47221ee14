"""A tag that is a whole commit names one image for ever, however often the commit is released."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"

[images.app]
platforms = ["linux/amd64"]
build_args = {{ BASE = "{base}" }}

[tags]
rules = [{rules}]

[[registries]]
url = "{registry}"

[policy]
enabled = false

[scan]
enabled = false

[sbom]
enabled = false
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY built.txt /
"""
LONG = '"type=sha,format=long,prefix="'


@pytest.fixture
def shop(registry: Registry, repository: str) -> str:
    return f"{registry.address}/{repository}"


def test_a_commit_that_is_released_again_as_another_image_keeps_its_tag(
    project: Project, registry: Registry, samples: SampleImages, repository: str, shop: str
) -> None:
    def written(rules: str) -> str:
        """Write and commit a project with these rules, and return the commit."""
        config = CONFIG.format(base=samples.busybox, registry=shop, rules=rules)
        ignored = ".keelway/\nbuilt.txt\n"
        project.write({"keelway.toml": config, "Dockerfile": DOCKERFILE, ".gitignore": ignored})
        return project.commit()

    def digest(tag: str) -> str:
        return registry.manifest(f"{repository}/app:{tag}")[0]

    (project.folder / "built.txt").write_text("1")
    commit = written(f'"type=ref,event=tag", "type=ref,event=branch", {LONG}')
    assert project.keelway("release", "--engine", "local").code == 0
    first = digest(commit)
    assert digest("main") == first

    # The labels of a release say v1.0.0: it is another image.
    subprocess.run(["git", "tag", "v1.0.0"], cwd=project.folder, check=True)
    done = project.keelway("release", "--engine", "local")
    assert done.code == 0, done.text()
    assert digest("v1.0.0") not in {first, ""}
    assert digest(commit) == first
    assert f"app:{commit} stays where it is" in done.text()
    subprocess.run(["git", "tag", "-d", "v1.0.0"], cwd=project.folder, check=True)
    again = project.keelway("release", "--engine", "local")
    assert again.code == 0
    assert "stays" not in again.text()

    # With nothing else to call it by, another image of the commit is refused.
    alone = written(LONG)
    assert project.keelway("release", "--engine", "local").code == 0
    first = digest(alone)
    (project.folder / "built.txt").write_text("2")
    refused = project.keelway("release", "--engine", "local")
    assert refused.code == 5, refused.text()
    assert f"it is {first}: the commit was released before, as another image" in refused.err
    assert digest(alone) == first
