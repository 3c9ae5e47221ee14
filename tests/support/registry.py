"""A registry on the loopback for the length of a test run, and a reader of what is in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.missing import need
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# The one account of the registry that asks for it: user "ci", password "correct horse".
USER, PASSWORD = "ci", "correct horse"
HTPASSWD = "ci:$2b$05$gzNtvlsoR1mzcHQdDKp8GOiR0hiIXFK2Zy/u.8wvlPlXCU..tFhCa"
READY_TIMEOUT_S = 15
UNTIL_GONE = """
"$0" serve "$1" & served=$!
while kill -0 "$2" && kill -0 "$served"; do sleep 1; done
kill "$served"
"""
"""A registry that ends with another process, however that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry's address (`host:port`) and how to look into it without any client tool."""

    address: str
    account: tuple[str, str] | None = None

    def manifest(self, reference: str) -> tuple[str, dict[str, Any]]:
        """Return digest and content of the manifest or index at `repository[:tag|@digest]`."""
        repository, name = _split(reference.removeprefix(f"{self.address}/"))
        answer = self._get(f"{repository}/manifests/{name}")
        return answer.headers["docker-content-digest"], answer.json()

    def config(self, repository: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return the image config that a manifest of `repository` names."""
        found: dict[str, Any] = json.loads(self.blob(repository, manifest["config"]["digest"]))
        return found

    def blob(self, repository: str, digest: str) -> bytes:
        """Return the bytes of a blob."""
        return self._get(f"{repository}/blobs/{digest}").content

    def has(self, reference: str) -> bool:
        """Return whether there is a manifest at `repository:tag`."""
        try:
            self.manifest(reference)
        except httpx.HTTPStatusError:
            return False
        return True

    def _get(self, path: str) -> httpx.Response:
        url = f"http://{self.address}/v2/{path}"
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        answer = httpx.get(url, headers=accept, auth=self.account, trust_env=False)
        answer.raise_for_status()
        return answer


def _split(reference: str) -> tuple[str, str]:
    """Split `repository[:tag][@digest]` into the repository and what names the manifest."""
    name, _, digest = reference.partition("@")
    repository, _, tag = name.partition(":")
    return repository, digest or tag or "latest"


@contextlib.contextmanager
def running_registry(folder: Path, *, account: tuple[str, str] | None = None) -> Iterator[Registry]:
    """Run docker-registry on a free loopback port, with its data in `folder`."""
    program = need("docker-registry", package="docker-registry")
    registry = Registry(address=f"127.0.0.1:{free_port()}", account=account)
    config = _write_config(folder, registry)
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait_ready(registry, folder, process)
        yield registry
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


@contextlib.contextmanager
def running_referrers_registry(folder: Path) -> Iterator[Registry]:
    """Run a registry that has the referrers API on a free loopback port; it keeps nothing."""
    program = need("referrers-registry", package="referrers-registry, by scripts/go-tools")
    registry = Registry(address=f"127.0.0.1:{free_port()}")
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, registry.address], stdout=log, stderr=log)
    try:
        _wait_ready(registry, folder, process)
        yield registry
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def registry_until_gone(folder: Path, pid: int) -> Registry:
    """Start docker-registry on a free loopback port, for as long as a process lives.

    Raises:
        RuntimeError: It did not start.
    """
    program = need("docker-registry", package="docker-registry")
    registry = Registry(address=f"localhost:{free_port()}")
    config = _write_config(folder, registry)
    words = ["setsid", "--fork", "sh", "-c", UNTIL_GONE, program, str(config), str(pid)]
    quiet = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    with (folder / "registry.log").open("wb") as log:
        subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=quiet, check=True
        )
    _wait_ready(registry, folder)
    return registry


def _write_config(folder: Path, registry: Registry) -> Path:
    """Write the registry's configuration; JSON is YAML too."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": registry.address.replace("localhost", "127.0.0.1")},
    }
    if registry.account is not None:
        (folder / "htpasswd").write_text(HTPASSWD + "\n")
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    path = folder / "config.yml"
    path.write_text(json.dumps(settings))
    return path


def _wait_ready(
    registry: Registry, folder: Path, process: subprocess.Popen[bytes] | None = None
) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"http://{registry.address}/v2/", trust_env=False)
            return
        time.sleep(0.05)
    log = (folder / "registry.log").read_text()
    raise RuntimeError(f"docker-registry did not start at {registry.address}:\n{log}")


def given_registry() -> Registry | None:
    """Return the registry of `KEELWAY_TEST_REGISTRY` (`host:port`, plain http), if one is given.

    An engine on another machine does not see this one's loopback: name one that both reach.
    """
    address = os.environ.get("KEELWAY_TEST_REGISTRY")
    return Registry(address=address) if address else None
