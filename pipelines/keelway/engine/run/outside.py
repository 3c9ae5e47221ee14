"""The way out of a session's network: slirp4netns, which needs no privilege on the host."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.run.subnet import Subnet

TAP: Final = "tap0"

_END_S: Final = 10.0
_TUN_CLOSED: Final = (
    "; /dev/net/tun is closed to this user: `sudo chmod 0666 /dev/net/tun`, which is what udev "
    "does where it runs"
)


@dataclass(slots=True)
class Outside:
    """The running slirp4netns, and the descriptor whose end ends it."""

    process: subprocess.Popen[bytes]
    alive: int

    def close(self) -> None:
        """End it."""
        os.close(self.alive)
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_outside(ns_path: Path, subnet: Subnet, mtu: int) -> Outside | None:
    """Start slirp4netns on a network namespace; None, and a warning, where it can't be."""
    program = shutil.which("slirp4netns")
    if program is None:
        _warn("slirp4netns is not installed; install it from your distribution")
        return None
    ready_out, ready_in = os.pipe()
    exit_out, exit_in = os.pipe()
    argv = [program, f"--cidr={subnet.network}", f"--mtu={mtu}", "--disable-host-loopback"]
    # It parses what containers send: it keeps no capability and sees no files beyond /etc.
    argv += ["--enable-sandbox", f"--ready-fd={ready_in}", f"--exit-fd={exit_out}"]
    try:
        process = subprocess.Popen(
            [*argv, "--netns-type=path", str(ns_path), TAP],
            pass_fds=(ready_in, exit_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(ready_in)
        os.close(exit_out)
    with os.fdopen(ready_out, "rb") as ready:
        started = ready.read(1) == b"1"
    if started:
        _drain(process)
        return Outside(process=process, alive=exit_in)
    os.close(exit_in)
    said = process.communicate()[1].decode(errors="replace").strip()
    _warn(f"slirp4netns did not start: {_reason(said) or process.returncode}")
    return None


def _reason(said: str) -> str:
    last = said.splitlines()[-1] if said else ""
    return last + (_TUN_CLOSED if "/dev/net/tun" in said and "denied" in said else "")


def _drain(process: subprocess.Popen[bytes]) -> None:
    """Read what slirp4netns says, so that it never waits for a reader."""
    said = process.stderr
    if said is not None:
        threading.Thread(target=said.read, name="slirp4netns", daemon=True).start()


def _warn(reason: str) -> None:
    sys.stderr.write(f"keelway-engine: containers have no way out of this machine: {reason}\n")
