"""A place of its own for the measurements: store, registry, and a copy of the example."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
DEMO_PORT = "5117"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Nothing in it was there before the measurements began."""

    folder: Path
    port: int

    @property
    def project(self) -> Path:
        """A copy of examples/orders."""
        return self.folder / "orders"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of everything that is measured."""
        kept = {key: value for key, value in os.environ.items() if "DAGGER" not in key}
        return {
            **kept,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "KEELWAY_STORE": str(self.folder / "store"),
            "KEELWAY_DEMO_PORT": str(self.port),
            "KEELWAY_DEMO_STATE": str(self.folder / "registry"),
        }

    def keelway(self, *words: str) -> float:
        """Run a command of keelway in the project and return how many seconds it took."""
        started = time.perf_counter()
        done = subprocess.run(
            [BIN / "keelway", *words],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"keelway {' '.join(words)} failed:\n{done.stderr[-4000:]}")
        return time.perf_counter() - started

    def report(self) -> dict[str, Any]:
        """Return the last report."""
        found: dict[str, Any] = json.loads((self.project / ".keelway/report.json").read_text())
        return found

    def configure(self, old: str, new: str) -> None:
        """Replace a part of the project's configuration."""
        config = self.project / "keelway.toml"
        text = config.read_text()
        if old not in text:
            raise RuntimeError(f"the example's configuration no longer has {old!r}")
        config.write_text(text.replace(old, new))


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Give a scratch place with a running registry, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="keelway-bench-") as name:
        place = Scratch(folder=Path(name), port=_free_port())
        ignored = shutil.ignore_patterns("__pycache__", ".keelway", "keelway.lock", ".pytest_cache")
        shutil.copytree(ROOT / "examples/orders", place.project, ignore=ignored)
        place.configure(f"localhost:{DEMO_PORT}/", f"localhost:{place.port}/")
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "orders"]):
            subprocess.run(["git", *identity, *words], cwd=place.project, check=True)
        _make_key(place)
        _registry("start", place)
        try:
            yield place
        finally:
            _registry("stop", place)


def _make_key(place: Scratch) -> None:
    """Make the key that the example signs with, as the demo does."""
    (place.project / ".keelway").mkdir()
    subprocess.run(
        [BIN / "cosign", "generate-key-pair", "--output-key-prefix", ".keelway/demo"],
        cwd=place.project,
        env={**place.environment, "COSIGN_PASSWORD": ""},
        check=True,
        capture_output=True,
    )


def _registry(word: str, place: Scratch) -> None:
    subprocess.run(
        [ROOT / "scripts/registry", word],
        env=place.environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
