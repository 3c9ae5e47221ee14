"""NGINX on the loopback for one test: in a folder and at a port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import need
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE_S = 30


@dataclass(slots=True, kw_only=True)
class Nginx:
    """One that runs, and where it looks for sites."""

    command: tuple[str, ...]
    port: int
    """Free for the site that a test wants it to offer."""
    conf_d: Path
    folder: Path

    @property
    def log(self) -> str:
        """Return what it complained of."""
        return (self.folder / "error.log").read_text()

    def start(self) -> None:
        """Start it."""
        subprocess.run(self.command, check=True, timeout=PATIENCE_S)

    def processes(self) -> list[int]:
        """Return its first process and that one's children."""
        files = (self.folder / "pid", self.folder / "nginx.pid")
        first = next(filter(Path.exists, files), None)
        if first is None:
            return []
        master = int(first.read_text())
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(master)], check=False, capture_output=True, text=True
        )
        return [master, *map(int, told.stdout.split())]

    def kill(self) -> None:
        """Let all of it end at once, as when the machine loses it."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Run one until the end of the block; it offers nothing yet."""
    program = need("nginx", package="nginx")
    folder.mkdir(parents=True, exist_ok=True)
    conf_d = folder / "conf.d"
    conf_d.mkdir()
    settings = folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # A worker of root's NGINX is nobody, who sees no folder of a test.
    user = "user root;" if os.geteuid() == 0 else ""
    settings.write_text(
        f"{user} pid pid; error_log {folder}/error.log info; worker_processes 2;\n"
        "events { worker_connections 256; }\n"
        f"http {{ access_log off; {temporary} include {conf_d}/*.conf; }}\n"
    )
    one = Nginx(
        command=(program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(settings)),
        port=free_port(),
        conf_d=conf_d,
        folder=folder,
    )
    one.start()
    try:
        yield one
    finally:
        one.kill()
        _wait_until_gone(one)


@contextlib.contextmanager
def nginx_by(words: Sequence[str], pid_file: Path) -> Iterator[None]:
    """Run one with a configuration of somebody else's until the end of the block."""
    one = Nginx(
        command=(need("nginx", package="nginx"), *words),
        port=0,
        conf_d=pid_file.parent,
        folder=pid_file.parent,
    )
    one.start()
    try:
        yield
    finally:
        one.kill()
        _wait_until_gone(one)


def _wait_until_gone(one: Nginx) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(one.processes()) > 1 and time.monotonic() < deadline:
        one.kill()
        time.sleep(0.05)
