"""Docker and Podman for the length of a test, in folders of their own and beside all others.

What it takes on a machine without systemd, whose cgroups may be of version 1, as root:

- dockerd starts containerd itself, and keeps everything below `--data-root` and `--exec-root`; its
  socket, pidfile and networks are its own, so that several run side by side. It leaves the packet
  filter alone, which it would share with others: published ports are served by docker-proxy, and
  networks are taken from a pool of their own.
- Podman has no daemon. Its folders come from a storage.conf, named by CONTAINERS_STORAGE_CONF;
  `cgroup_manager = "cgroupfs"` and `events_logger = "file"` from a containers.conf, since the
  defaults need systemd. The same variables reach podman-compose.
- Podman runs health checks by timers of systemd: where there is none, `podman healthcheck run` is
  all that runs them, and that is what `keelway.deploy.runtime` does while it waits.
- The runtime is runc: crun refuses machines that have cgroups of both versions. Limits of files
  and processes are small, since Podman's own are above what such a machine allows.
- A registry on the loopback is insecure: Docker allows that by itself, Podman by `--tls-verify`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.deploy.host import LocalHost, Ran
from tests.support.missing import need, root_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATIENCE_S = 60


class EnvironmentHost(LocalHost):
    """This machine, for whoever has these variables as well."""

    def __init__(self, environment: Mapping[str, str], name: str = "this machine") -> None:
        super().__init__(name)
        self._before = ("env", *(f"{name}={value}" for name, value in environment.items()))

    async def run(self, words: Sequence[str], *, given: bytes = b"", timeout_s: float = 60) -> Ran:
        return await super().run((*self._before, *words), given=given, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRuntime:
    """An engine that answers, to whoever has its variables."""

    engine: str
    """`docker` or `podman`."""
    environment: Mapping[str, str]
    """What makes the engine's commands speak to this one."""

    @property
    def host(self) -> EnvironmentHost:
        """This machine, seen by those who deploy to this engine."""
        return EnvironmentHost(self.environment)

    def command(self, *words: str, check: bool = True) -> str:
        """Run a command of the engine, and return what it printed."""
        done = subprocess.run(
            [self.engine, *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{self.engine} {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()


@contextlib.contextmanager
def running_docker(folder: Path) -> Iterator[RunningRuntime]:
    """Run a Docker daemon until the end of the block; it takes some six seconds to start."""
    root_only("dockerd makes networks and mounts")
    program = need("dockerd", package="docker.io")
    # docker-proxy and docker-init are beside it; the path of a socket has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="dockerd-") as short:
        socket = Path(short) / "docker.sock"
        words = [
            program,
            f"--host=unix://{socket}",
            f"--data-root={folder / 'docker-data'}",
            f"--exec-root={short}/exec",
            f"--pidfile={short}/pid",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            f"--default-address-pool=base=10.{64 + secrets.randbelow(128)}.0.0/16,size=24",
        ]
        log = folder / "dockerd.log"
        folder.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            process = subprocess.Popen(words, stdout=out, stderr=out, start_new_session=True)
        running = RunningRuntime(engine="docker", environment={"DOCKER_HOST": f"unix://{socket}"})
        try:
            _wait_for_docker(running, process, log)
            yield running
        finally:
            if process.poll() is None:
                _remove_containers(running)
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            _unmount(Path(short))
            _unmount(folder)
            shutil.rmtree(folder / "docker-data", ignore_errors=True)


@contextlib.contextmanager
def running_podman(folder: Path) -> Iterator[RunningRuntime]:
    """Give a Podman with a store of its own until the end of the block."""
    root_only("Podman's networks are made by root here")
    need("podman", package="podman")
    need("podman-compose", package="podman-compose, of the group dev")
    with tempfile.TemporaryDirectory(prefix="podman-") as short:
        pool = f"10.{192 + secrets.randbelow(60)}.0.0/16"
        settings = {
            "storage.conf": (
                f'[storage]\ndriver = "overlay"\ngraphroot = "{folder / "podman-data"}"\n'
                f'runroot = "{short}/run"\n'
            ),
            "containers.conf": (
                '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
                '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
                f'runtime = "runc"\ntmp_dir = "{short}/tmp"\n'
                f'volume_path = "{folder / "podman-volumes"}"\n'
                f'[network]\nnetwork_config_dir = "{short}/networks"\n'
                f'default_subnet_pools = [{{ base = "{pool}", size = 24 }}]\n'
            ),
        }
        for name, text in settings.items():
            (Path(short) / name).write_text(text)
        environment = {
            "CONTAINERS_STORAGE_CONF": f"{short}/storage.conf",
            "CONTAINERS_CONF": f"{short}/containers.conf",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        running = RunningRuntime(engine="podman", environment=environment)
        try:
            running.command("info")
            yield running
        finally:
            _remove_containers(running)
            _unmount(Path(short))
            _unmount(folder)
            shutil.rmtree(folder / "podman-data", ignore_errors=True)


def _wait_for_docker(running: RunningRuntime, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(RuntimeError):
            running.command("version")
            return
        time.sleep(0.2)
    raise AssertionError(f"dockerd does not answer:\n{log.read_text()}")


def _remove_containers(running: RunningRuntime) -> None:
    ids = running.command("ps", "--all", "--quiet", check=False).split()
    if ids:
        running.command("rm", "--force", *ids, check=False)
    kept = {"bridge", "host", "none", "podman"}
    names = running.command("network", "ls", "--format", "{{.Name}}", check=False).split()
    for name in set(names) - kept:
        running.command("network", "rm", name, check=False)


def _unmount(folder: Path) -> None:
    """Unmount what a daemon that was killed has left below a folder."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
