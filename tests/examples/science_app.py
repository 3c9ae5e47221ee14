"""A host of examples/science-app, and how its images are looked into."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.missing import missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.examples import Example
    from tests.support.runtimes import RunningRuntime

LINE = {"model": "line", "x": [0, 1, 2, 3], "y": [1, 3, 5, 7]}
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600
PATIENCE_S = 60
"""Long enough for a loaded machine: it is only waited for what has not happened yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the application is deployed to, and the secrets that it gets there."""

    example: Example
    docker: RunningRuntime
    api_key: str
    store_key: str

    def ask(self, path: str, **more: Any) -> httpx.Response:
        """Ask NGINX."""
        url = f"http://127.0.0.1:{self.example.port(5210)}{path}"
        return httpx.request(more.pop("method", "GET"), url, timeout=20, trust_env=False, **more)

    def fit(self) -> dict[str, Any]:
        """Have a line fitted, and return the answer."""
        answer = self.ask("/fits", method="POST", json=LINE, headers={"X-API-Key": self.api_key})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what Docker says of all containers, by name."""
        ids = self.docker.command("ps", "--all", "--quiet").split()
        found = json.loads(self.docker.command("inspect", *ids))
        return {one["Name"].strip("/"): one for one in found}

    def service(self, name: str) -> str:
        """Return the name of a service's container."""
        label = "com.docker.compose.service"
        (found,) = [
            container
            for container, told in self.containers().items()
            if told["Config"]["Labels"][label] == name
            and "staging" not in container
            and told["State"]["Running"]
        ]
        return found

    def python(self, code: str) -> Any:
        """Run Python in the application's container; it prints JSON."""
        name = self.service("science-app")
        return json.loads(self.docker.command("exec", name, "python3.11", "-c", code))

    @property
    def configuration(self) -> str:
        """What keelway wrote for NGINX."""
        folder = self.example.host_folder / "science-app/nginx"
        return (folder / "conf.d/science-app.conf").read_text()


def eventually(look: Callable[[], Any]) -> Any:
    """Return what is found once there is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


def variants(example: Example, tag: str) -> dict[str, dict[str, Any]]:
    """Return the manifests of an image, by architecture."""
    reference = example.reference("science-app", tag)
    _, index = example.registry.manifest(reference)
    return {
        one["platform"]["architecture"]: example.registry.manifest(
            f"{example.repositories}/science-app@{one['digest']}"
        )[1]
        for one in index["manifests"]
    }


def files(example: Example, manifest: dict[str, Any]) -> dict[str, tarfile.TarInfo]:
    """Return the headers of all files of an image."""
    found: dict[str, tarfile.TarInfo] = {}
    for layer in manifest["layers"]:
        data = example.registry.blob(f"{example.repositories}/science-app", layer["digest"])
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            found |= {info.name.strip("/"): info for info in archive}
    return found


def containing(example: Example, manifest: dict[str, Any], value: bytes) -> list[str]:
    """Return the files of an image that have these bytes, and its configuration if it does."""
    repository = f"{example.repositories}/science-app"
    found: list[str] = []
    for layer in manifest["layers"]:
        data = example.registry.blob(repository, layer["digest"])
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for info in archive:
                stream = archive.extractfile(info) if info.isfile() else None
                if stream is not None and value in stream.read():
                    found.append(info.name)
    if value in example.registry.blob(repository, manifest["config"]["digest"]):
        found.append("the configuration")
    return found


# Podman without root makes its networks by /dev/net/tun, which everybody may use where udev runs.
_WITH_TUN = """
if ! setpriv --reuid=65534 --regid=65534 --clear-groups test -w /dev/net/tun; then
  tun="$(mktemp -d)/tun" && mknod -m 666 "$tun" c 10 200 && mount --bind "$tun" /dev/net/tun
fi
exec "$@"
"""


def as_ordinary(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell as a user who is not root, as `scripts/test-rootless` does."""
    words = [str(ROOT / "scripts/test-rootless"), "--run", "bash", "-euo", "pipefail", "-c", line]
    if os.geteuid() == 0:
        words = ["unshare", "--mount", "bash", "-c", _WITH_TUN, "with-tun", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if "left out:" in done.stderr:
        missing(f"an engine for an ordinary user: {done.stderr[-300:]}")
    return done


PODMAN = r"""
export HOME=$PWD/home XDG_RUNTIME_DIR=$PWD/run PATH="$PATH:/usr/sbin:/sbin"
mkdir -p $HOME/.config/containers && mkdir -p -m 0700 $XDG_RUNTIME_DIR
printf '%s\n' '[containers]' 'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' \
  '[engine]' 'cgroup_manager = "cgroupfs"' 'events_logger = "file"' 'runtime = "runc"' \
  >$HOME/.config/containers/containers.conf
finish() {
  podman rm --all --force --time 1 >&2
  pause=$XDG_RUNTIME_DIR/libpod/tmp/pause.pid
  podman unshare rm -rf $HOME/.local/share/containers/storage || true
  [ ! -s $pause ] || kill "$(cat $pause)"
}
trap finish EXIT
"""
"""A Podman of the user's own, in the current folder, until the shell ends."""
