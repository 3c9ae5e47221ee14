"""The demo, run once with nothing but base images, and what it left in its registry.

The base images are those of all examples, made by `keelway base` once a test run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.example_bases import shared_bases, whole_word
from tests.support.missing import need
from tests.support.ports import free_port
from tests.support.programs import wait_for_go_tools
from tests.support.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.example_bases import ExampleBases

ROOT = Path(__file__).resolve().parents[2]
DEMO_PORT = "5117"
PROXY_PORTS = (5180, 5181, 5182)
DEMO_HOST = "/var/tmp/keelway-demo"
TIMEOUT_S = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the demo said and wrote."""

    code: int
    said: str
    report: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A copy of examples/orders in a repository of its own, with a registry and a store."""

    project: Path
    registry: Registry
    bases: Registry
    """Where the base images are."""
    environment: dict[str, str]

    def run(self, **variables: str) -> Run:
        """Run the demo as `make demo KEEP=1` does."""
        done = subprocess.run(
            [str(ROOT / "scripts/demo"), "--keep"],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        path = self.project / ".keelway/report.json"
        report = json.loads(path.read_text()) if path.exists() else {}
        return Run(code=done.returncode, said=done.stdout, report=report)

    def pins(self) -> dict[str, str]:
        """Return the references of the base images, by name."""
        lock = tomllib.loads((self.project / "keelway.lock").read_text())
        return {name: pin["reference"] for name, pin in lock["base"].items()}


@pytest.fixture(scope="session", autouse=True)
def go_tools() -> None:
    """Programs that are still being built when the tests begin."""
    wait_for_go_tools()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Everything that the demo needs, apart from the machine's own demo."""
    for program, package in {
        "mmdebstrap": "mmdebstrap",
        "docker-registry": "docker-registry",
        "skopeo": "skopeo",
        "git": "git",
        "nginx": "nginx",
        "docker-compose": "docker-compose",
    }.items():
        need(program, package=package)
    folder = tmp_path_factory.mktemp("demo")
    port = free_port()
    bases = shared_bases(tmp_path_factory.getbasetemp())
    project = _own_copy(folder / "orders", port, bases)
    demo = Demo(
        project=project,
        registry=Registry(address=f"localhost:{port}"),
        bases=bases.registry,
        environment={
            **{name: text for name, text in os.environ.items() if name != "DAGGER_SESSION_PORT"},
            "KEELWAY_DEMO_DIRECTORY": str(project),
            "KEELWAY_DEMO_PORT": str(port),
            "KEELWAY_DEMO_STATE": str(folder / "state"),
            "KEELWAY_DEMO_BIN": str(Path(sys.executable).parent),
            "KEELWAY_STORE": str(folder / "store"),
        },
    )
    yield demo
    subprocess.run(
        [str(ROOT / "scripts/registry"), "stop"],
        env=demo.environment,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="session")
def first(demo: Demo) -> Run:
    """The first run of the demo, with an empty store and an empty registry of its own."""
    run = demo.run()
    assert run.code == 0, run.said
    return run


def _own_copy(target: Path, port: int, bases: ExampleBases) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".keelway", "keelway.lock", ".pytest_cache")
    shutil.copytree(ROOT / "examples/orders", target, ignore=ignored)
    for name in ("keelway.toml", "postgres/keelway.toml", "compose.prod.yaml"):
        config = target / name
        text = config.read_text()
        assert f"localhost:{DEMO_PORT}/" in text
        of_bases = f"{bases.registry.address}/demo/base-"
        text = text.replace(f"localhost:{DEMO_PORT}/demo/base-", of_bases)
        text = text.replace(f"localhost:{DEMO_PORT}/", f"localhost:{port}/")
        for own in PROXY_PORTS:
            text = whole_word(own).sub(str(free_port()), text)
        config.write_text(text.replace(DEMO_HOST, str(target.parent / "host")))
    (target / "keelway.lock").write_text(bases.lock)
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "orders"]):
        subprocess.run(["git", *identity, *words], cwd=target, check=True, capture_output=True)
    return target
