"""A registry is lost without a copy: the image is built again from its commit, the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.registry import running_registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Project
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"

[images.app]
target = "runtime"
platforms = ["linux/amd64"]
build_args = {{ BASE = "{base}", GREETING = "hello" }}

[tags]
rules = ["type=sha", "type=ref,event=branch"]

[[registries]]
url = "{registry}/shop"

[policy]
enabled = false

[scan]
enabled = false

[sbom]
enabled = false
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS runtime
ARG GREETING
RUN echo "$GREETING" > /said.txt
COPY name.txt /srv/name.txt
"""


@pytest.mark.once
@pytest.mark.slow
def test_an_image_is_rebuilt_to_the_same_digest_and_another_one_is_told(
    project: Project, samples: SampleImages, tmp_path: Path
) -> None:
    folder = tmp_path / "lost"
    with running_registry(folder) as registry:
        config = CONFIG.format(base=samples.busybox, registry=registry.address)
        project.write({"keelway.toml": config, "Dockerfile": DOCKERFILE})
        commit = project.commit()
        assert project.keelway("release", "--engine", "local").code == 0
        (image,) = project.report()["published"]
        digest = image["digest"]
        shutil.rmtree(folder / "data" / "docker")
        # The work goes on meanwhile, and is not what is rebuilt.
        project.write({"name.txt": "another\n"})
        later = project.commit()

        name = f"{registry.address}/shop/app"
        unknown = project.keelway("rebuild", f"{name}@{digest}", "--engine", "local")
        assert unknown.code == 3
        assert "give --commit" in unknown.err

        words = ("rebuild", f"{name}:main@{digest}", "--engine", "local", "--commit")
        done = project.keelway(*words, commit)
        assert done.code == 0, done.text()
        assert "the same digest as before" in done.out
        assert registry.manifest("shop/app:main")[0] == digest

        other = project.keelway(*words, later)
        assert other.code == 5
        assert f"app was {digest}, and is sha256:" in other.err
        assert "linux/amd64: layer" in other.err or "image: layer" in other.err
        assert registry.manifest("shop/app:main")[0] == digest, "nothing is named by another image"
