"""Places for the measurements of releases: bases that are kept, registries and copies that are not.

Making base images takes minutes and is no part of what is compared, so they are made once, kept in
`.keelway/bench`, and brought up to date by `keelway base`. Every round gets a registry that holds
them and nothing else, and a copy of the example with a history of one commit.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
EXAMPLE = ROOT / "examples/orders"
KEPT = ROOT / ".keelway/bench"
DEMO = "localhost:5117/"
PASSWORD = "only-for-measurements\n"  # noqa: S105 - of a database that lives for seconds
LEFT_OUT = ("__pycache__", ".keelway", "keelway.lock", ".pytest_cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copy of examples/orders, and the registry that it is for."""

    folder: Path
    port: int

    def bases(self) -> dict[str, str]:
        """Return what keelway.lock pins, by the bases' names."""
        text = (self.folder / "keelway.lock").read_text()
        return {name: one["reference"] for name, one in tomllib.loads(text)["base"].items()}

    def report(self) -> dict[str, Any]:
        """Return the last report."""
        found: dict[str, Any] = json.loads((self.folder / ".keelway/report.json").read_text())
        return found

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace a part of a file.

        Raises:
            RuntimeError: The file has no such part.
        """
        path = self.folder / file
        text = path.read_text()
        if old not in text:
            raise RuntimeError(f"examples/orders/{file} no longer has {old!r}")
        path.write_text(text.replace(old, new))

    def commit(self, message: str) -> None:
        """Make a commit of all that is there."""
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        for words in (["add", "-A"], ["commit", "-q", "-m", message]):
            subprocess.run(["git", *identity, *words], cwd=self.folder, check=True)


def environment(**more: str) -> dict[str, str]:
    """Return the environment of what is measured: nothing of another engine, and our programs.

    Python may keep bytecode, as wherever keelway is installed: else each command compiles it anew.
    """
    kept = {key: value for key, value in os.environ.items() if "DAGGER" not in key}
    _ = kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PATH": f"{BIN}:{os.environ['PATH']}", "COSIGN_PASSWORD": "", **more}


def bases_made() -> Project:
    """Return the project whose registry holds all bases, as keelway.toml says them today."""
    KEPT.mkdir(parents=True, exist_ok=True)
    remembered = KEPT / "port"
    port = int(remembered.read_text()) if remembered.exists() else free_port()
    remembered.write_text(str(port))
    project = Project(folder=KEPT / "orders", port=port)
    lock = project.folder / "keelway.lock"
    pinned = lock.read_text() if lock.exists() else None
    shutil.rmtree(project.folder, ignore_errors=True)
    _copy(project, DEMO)
    if pinned is not None:
        lock.write_text(pinned)
    with registry(KEPT / "registry", port):
        subprocess.run(
            [BIN / "keelway", "base"],
            cwd=project.folder,
            env=environment(KEELWAY_STORE=str(KEPT / "store")),
            stdin=subprocess.DEVNULL,
            check=True,
        )
    return project


@contextmanager
def round_of(bases: Project, folder: Path, name: str) -> Iterator[Project]:
    """Give a new registry with the bases alone, and a new project that publishes under `name`."""
    shutil.copytree(KEPT / "registry/storage", folder / "registry/storage")
    project = Project(folder=folder / "orders", port=bases.port)
    _copy(project, DEMO)
    url = f'url = "localhost:{project.port}/'
    project.replace("keelway.toml", f'{url}demo"', f'{url}{name}"')
    shutil.copy(bases.folder / "keelway.lock", project.folder)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=project.folder, check=True)
    project.commit("Orders are taken")
    _make_secrets(project)
    with registry(folder / "registry", project.port):
        yield project


@contextmanager
def registry(state: Path, port: int) -> Iterator[None]:
    """Run a registry on loopback."""
    told = environment(KEELWAY_DEMO_PORT=str(port), KEELWAY_DEMO_STATE=str(state))
    _registry("start", told)
    try:
        yield
    finally:
        _registry("stop", told)


def _registry(word: str, told: Mapping[str, str]) -> None:
    done = subprocess.run(
        [ROOT / "scripts/registry", word],
        env=told,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"scripts/registry {word}: {done.stderr}")


def _copy(project: Project, demo: str) -> None:
    shutil.copytree(EXAMPLE, project.folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for file in ("keelway.toml", "compose.prod.yaml"):
        project.replace(file, demo, f"localhost:{project.port}/")


def _make_secrets(project: Project) -> None:
    """Make the key that the example signs with and its database's password, as the demo does."""
    kept = project.folder / ".keelway"
    kept.mkdir()
    subprocess.run(
        [BIN / "cosign", "generate-key-pair", "--output-key-prefix", ".keelway/demo"],
        cwd=project.folder,
        env=environment(),
        check=True,
        capture_output=True,
    )
    (kept / "demo.password").write_text(PASSWORD)


def free_port() -> int:
    """Return a port of loopback that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
