"""A copy of one of `examples/`: a repository of its own, with a store, beside a shared registry."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.example_bases import WRITTEN, whole_word
from tests.support.missing import need
from tests.support.projects import Outcome, Project, program
from tests.support.requirements import EXAMPLES, System, systems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.support.example_bases import ExampleBases
    from tests.support.registry import Registry

PORTS = range(5190, 5240)
"""Ports of this machine that the examples name; each copy has its own instead."""
HOST_FOLDER = "/var/tmp/keelway-examples"
"""Where the examples deploy to on this machine."""
ADAPTED = (".toml", ".yaml", ".yml", ".conf", ".md", ".json", ".sh")
TIMEOUT_S = 600
COLD_S, AGAIN_S = 90, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One run of an example's whole flow."""

    seconds: float
    outcomes: tuple[Outcome, ...]
    """One for each line."""
    report: dict[str, Any]
    """What the release reported."""


@dataclass(slots=True, kw_only=True)
class Example:
    """A committed copy of an example."""

    name: str
    folder: Path
    registry: Registry
    repositories: str
    """What stands for `examples` in the names of the repositories that images are pushed to."""
    store: Path
    host_folder: Path
    """What stands for `/var/tmp/keelway-examples`."""
    ports: dict[int, int]
    variables: dict[str, str] = field(default_factory=dict[str, str])
    """Added to the environment of every command."""

    @property
    def system(self) -> System:
        """What its document demands."""
        return next(one for one in systems() if one.name == self.name)

    def port(self, written: int) -> int:
        """Return the port that stands for one of the example's."""
        return self.ports[written]

    def keelway(self, *words: str, **more: str) -> Outcome:
        """Run the command in the example; `more` are environment variables."""
        return self._run([str(program()), *words], more)

    def shell(self, line: str, **more: str) -> Outcome:
        """Run a line of a shell in the example, which finds keelway and its tools."""
        return self._run(["bash", "-euo", "pipefail", "-c", line], more)

    def _run(self, words: Sequence[str], more: Mapping[str, str]) -> Outcome:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**self._project().surroundings(), **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    def run_flow(self) -> Flow:
        """Run the whole flow, timed.

        Raises:
            AssertionError: A command failed.
        """
        outcomes: list[Outcome] = []
        begin = time.monotonic()
        for line in self.system.flow:
            outcome = self.shell(line)
            assert outcome.code == 0, f"{line}: exit code {outcome.code}\n{outcome.text()}"
            outcomes.append(outcome)
        seconds = time.monotonic() - begin
        return Flow(seconds=seconds, outcomes=tuple(outcomes), report=self.report())

    def commit(self, message: str) -> str:
        """Commit everything that changed and return the commit's full name."""
        done = self.shell(f"git add -A && git commit -q -m '{message}' && git rev-parse HEAD")
        assert done.code == 0, done.text()
        return done.out.strip()

    def report(self) -> dict[str, Any]:
        """Return the report of the last run."""
        return self._project().report()

    def reference(self, image: str, tag: str) -> str:
        """Return what an image of the example is called in the registry."""
        return f"{self.registry.address}/{self.repositories}/{image}:{tag}"

    def _project(self) -> Project:
        environment = {"KEELWAY_STORE": str(self.store), **self.variables}
        return Project(folder=self.folder, environment=environment)


def copied(name: str, folder: Path, bases: ExampleBases) -> Example:
    """Return a copy of an example in a folder that is not there yet, ready for its flow."""
    repositories = f"examples-{secrets.token_hex(4)}"
    example = Example(
        name=name,
        folder=folder / name,
        registry=bases.registry,
        repositories=repositories,
        store=folder / "store",
        host_folder=folder / "host",
        ports=_free_ports(),
    )
    ignored = shutil.ignore_patterns(
        "__pycache__", ".keelway", "keelway.lock", ".pytest_cache", "node_modules"
    )
    shutil.copytree(EXAMPLES / name, example.folder, ignore=ignored)
    for path in example.folder.rglob("*"):
        if path.is_file() and path.suffix in ADAPTED:
            text = path.read_text()
            adapted = _adapted(text, example)
            if adapted != text:
                path.write_text(adapted)
    (example.folder / "keelway.lock").write_text(bases.lock)
    example.host_folder.mkdir(parents=True)
    _make_key(example)
    Project(folder=example.folder, environment={}).commit()
    return example


def _adapted(text: str, example: Example) -> str:
    address = example.registry.address
    text = text.replace(f"{WRITTEN}/examples/", f"{address}/{example.repositories}/")
    text = re.sub(rf"{WRITTEN}/examples(?=[\"'\s])", f"{address}/{example.repositories}", text)
    text = text.replace(WRITTEN, address).replace(HOST_FOLDER, str(example.host_folder))
    for written, own in example.ports.items():
        text = whole_word(written).sub(str(own), text)
    return text


def _make_key(example: Example) -> None:
    """Make the key that the example signs with, as its page says."""
    (example.folder / ".keelway").mkdir()
    (example.folder / ".keelway/.gitignore").write_text("*\n")
    subprocess.run(
        [
            need("cosign", package="cosign, by scripts/go-tools"),
            "generate-key-pair",
            "--output-key-prefix",
            ".keelway/demo",
        ],
        cwd=example.folder,
        env={**os.environ, "COSIGN_PASSWORD": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )


def _free_ports() -> dict[int, int]:
    """Return a free port for each that is written; none twice."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in PORTS]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {
            written: probe.getsockname()[1] for written, probe in zip(PORTS, probes, strict=True)
        }
    finally:
        for probe in probes:
            probe.close()
