"""One registry with the base images of all examples, for all workers of a test run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
import subprocess
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tests.support.missing import need
from tests.support.projects import Project, program
from tests.support.registry import Registry
from tests.support.requirements import EXAMPLES, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITTEN = "localhost:5117"
"""The registry that the examples are written for."""
READY_TIMEOUT_S = 15
TIMEOUT_S = 900
# The registry ends with the run, however that ends.
UNTIL_GONE = """
"$0" serve "$1" & served=$!
while kill -0 "$2" && kill -0 "$served"; do sleep 1; done
kill "$served"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleBases:
    """Where the base images are, and how they are pinned."""

    registry: Registry
    lock: str
    """A `keelway.lock` with all of them."""


def example_bases(shared: Path, run_pid: int) -> ExampleBases:
    """Return the base images of all examples; who comes first makes them.

    Args:
        shared: A folder that all workers of this run see, and no other run.
        run_pid: The process whose end is the end of the run.

    Raises:
        RuntimeError: `keelway base` failed.
    """
    shared.mkdir(parents=True, exist_ok=True)
    with _locked(shared / "lock"):
        made = shared / "made.json"
        if not made.exists():
            address = _registry(shared, run_pid)
            made.write_text(json.dumps({"address": address, "lock": _make(shared, address)}))
        known = json.loads(made.read_text())
    return ExampleBases(registry=Registry(address=known["address"]), lock=known["lock"])


def _make(shared: Path, address: str) -> str:
    """Make all base images in one project; a name means the same in all examples."""
    everything: dict[str, dict[str, object]] = {}
    for name in NAMES:
        path = EXAMPLES / name / "keelway.toml"
        if not path.is_file():
            continue
        for base, section in tomllib.loads(path.read_text()).get("base", {}).items():
            if everything.setdefault(base, section) != section:
                raise RuntimeError(
                    f"[base.{base}] of examples/{name} differs from another example's"
                )
    config = '[project]\nname = "bases"\n\n[images.none]\n'
    for base, section in everything.items():
        # What JSON writes of texts, numbers and lists is TOML too.
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in section.items())
        config += f"\n[base.{base}]\n{''.join(lines)}"
    project = Project(folder=shared / "bases", environment={"KEELWAY_STORE": str(shared / "store")})
    project.write({"keelway.toml": config.replace(WRITTEN, address)})
    need("mmdebstrap", package="mmdebstrap")
    done = subprocess.run(
        [program(), "base"],
        cwd=project.folder,
        env=project.surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"keelway base: {done.stderr}")
    return (project.folder / "keelway.lock").read_text()


def _registry(shared: Path, run_pid: int) -> str:
    program = need("docker-registry", package="docker-registry")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    config = shared / "registry.yml"
    settings = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(shared / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    config.write_text(json.dumps(settings))
    with (shared / "registry.log").open("wb") as log:
        words = ["setsid", "--fork", "sh", "-c", UNTIL_GONE, program, str(config), str(run_pid)]
        quiet = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=quiet, check=True
        )
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/v2/", trust_env=False)
            return f"localhost:{port}"
        time.sleep(0.05)
    raise RuntimeError(f"no registry: {(shared / 'registry.log').read_text()}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def whole_word(number: int) -> re.Pattern[str]:
    """Return what finds a port, and not the digits of another number."""
    return re.compile(rf"(?<!\d){number}(?!\d)")
