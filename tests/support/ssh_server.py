"""An ssh server on the loopback with keys of its own, and agents that hold some of them."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE_S = 30
_PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """Where it listens, and the one key that it lets in."""

    url: str
    """`ssh://USER@HOST:PORT`; the path of a repository follows."""
    key: Path
    known_hosts: str


def new_key(path: Path) -> Path:
    """Return a new private key without a passphrase; the public one lies beside it."""
    keygen = need("ssh-keygen", package="openssh-client")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@contextlib.contextmanager
def ssh_server(
    folder: Path, environment: Mapping[str, str] | None = None, *, key: Path | None = None
) -> Iterator[SshServer]:
    """Run a server until the end of the block; its files are in `folder`.

    Args:
        folder: Where they are.
        environment: What its sessions have beside the usual variables.
        key: The key that it lets in; one of its own when absent.
    """
    program = need("sshd", package="openssh-server")
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    host = new_key(folder / "host")
    key = key or new_key(folder / "client")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "sshd_config"
    settings.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host}\nAuthorizedKeysFile {key}.pub\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"PidFile {folder / 'pid'}\n"
    )
    if environment:
        # Only the first line of this kind counts.
        pairs = " ".join(f'"{name}={value}"' for name, value in environment.items())
        with settings.open("a") as file:
            file.write(f"SetEnv {pairs}\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(settings)], stderr=log)
    try:
        _wait_for(port, process, folder / "log")
        public = host.with_suffix(".pub").read_text().split()
        yield SshServer(
            url=f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
            key=key,
            known_hosts=f"[127.0.0.1]:{port} {public[0]} {public[1]}\n",
        )
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"sshd does not answer: {log.read_text()}")


@contextlib.contextmanager
def ssh_agent(*keys: Path) -> Iterator[Path]:
    """Run an agent with these keys until the end of the block; give its socket."""
    # The path of a socket has 107 bytes at most: a test's own folder may be longer.
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        path = Path(folder) / "agent"
        process = subprocess.Popen(
            [need("ssh-agent", package="openssh-client"), "-D", "-a", str(path)],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            for key in keys:
                subprocess.run(
                    [need("ssh-add", package="openssh-client"), "-q", str(key)],
                    check=True,
                    env={**os.environ, "SSH_AUTH_SOCK": str(path)},
                )
            yield path
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
