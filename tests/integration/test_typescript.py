"""Dagger's TypeScript SDK, as npm has it, runs a pipeline on the local engine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.node import installed, need_node
from tests.support.projects import program
from tests.support.shell import write_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

    Pipeline = Callable[[str], dict[str, Any]]


PIPELINE = Path(__file__).parent / "typescript" / "pipeline.mjs"
TIMEOUT_S = 120
DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS build
ARG GREETING
RUN --mount=type=secret,id=token,required test -s /run/secrets/token && echo "$GREETING" > /said.txt

FROM ${BASE} AS unused
RUN exit 1

FROM ${BASE} AS runtime
COPY --from=build /said.txt /said.txt
LABEL made-by="typescript"
"""
ENGINE = Path(sys.executable).parent / "keelway-engine"
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "keelway run": ([str(program()), "run", "--engine", "local", "--"], {}),
    "CLI_BIN": ([], {"_EXPERIMENTAL_DAGGER_CLI_BIN": str(ENGINE)}),
}


@pytest.fixture(scope="module")
def packages(request: pytest.FixtureRequest) -> Path:
    """A folder with the SDK in it."""
    folder = installed(PIPELINE.with_name("package-lock.json"), request.config)
    shutil.copy(PIPELINE, folder)
    return folder


@pytest.fixture
def address(registry: Registry, nonce: str) -> str:
    """Where the pipeline publishes to."""
    return f"{registry.address}/typescript/{nonce[:12]}:1"


@pytest.fixture
def pipeline(
    packages: Path, store: Path, tmp_path: Path, samples: SampleImages, address: str, nonce: str
) -> Pipeline:
    """Run the pipeline, in one of the ways, and return what it found."""
    write_tree(tmp_path, {"Dockerfile": DOCKERFILE, "a.txt": "a", "b.log": "b"})
    node = need_node() / "bin" / "node"
    words = [node, packages / PIPELINE.name, samples.busybox, address, tmp_path, nonce]

    def run(way: str) -> dict[str, Any]:
        before, variables = WAYS[way]
        done = subprocess.run(
            [*before, *map(str, words)],
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "KEELWAY_STORE": str(store), **variables},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_in_typescript(
    pipeline: Pipeline, registry: Registry, address: str, nonce: str, way: str
) -> None:
    found = pipeline(way)
    assert found["entries"] == ["Dockerfile", "a.txt"]
    assert found["built"] == "hello\n"
    assert ["made-by", "typescript"] in found["labels"]
    assert found["output"] == f"línea\n$x\n{nonce}\n"
    assert found["parallel"] == ["one\n", "two\n"]
    assert found["failed"] == {
        "isExecError": True,
        "exitCode": 3,
        "stdout": "out",
        "stderr": "err",
        "message": "exit code: 3",
    }
    assert "no such file or directory" in found["missing"]
    assert found["page"] == found["tunnelled"] == f"page {nonce}"
    digest, manifest = registry.manifest(address)
    assert found["published"] == f"{address}@{digest}"
    config = registry.config(f"typescript/{nonce[:12]}", manifest)
    assert config["config"]["Labels"] == {"made-by": "typescript", "nonce": nonce}
