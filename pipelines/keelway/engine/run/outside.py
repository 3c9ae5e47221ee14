"""The way out of a session's network: slirp4netns, which needs no privilege on the host.

It opens a tap in the session's namespace where `/dev/net/tun` may be opened. Where it may not, it
gets the frames of a link that `wire` makes, by way of a program that passes them on (`pumpd`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keelway.engine.run.subnet import Subnet

TAP: Final = "tap0"
TUN: Final = Path("/dev/net/tun")

_PUMP: Final = Path(__file__).with_name("pumpd.py")
_END_S: Final = 10.0
_POLL_S: Final = 0.001


@dataclass(slots=True)
class Outside:
    """The running slirp4netns, the descriptor whose end ends it, and what passes frames to it."""

    process: subprocess.Popen[bytes]
    alive: int
    pump: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End it."""
        os.close(self.alive)
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.pump is not None:
            self.pump.kill()
            self.pump.wait()


def tun_refusal() -> str | None:
    """Return why `/dev/net/tun` can't be opened, or None when it can."""
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error.strerror
    return None


class NoWayOutError(EngineError):
    """Containers have no way out of this machine; the text says why."""


def start_outside(
    ns_path: Path, subnet: Subnet, mtu: int, *, make_wire: Callable[[], socket.socket]
) -> Outside:
    """Start slirp4netns on a network namespace.

    Args:
        ns_path: the namespace, in which there will be a link named `TAP`.
        subnet: the addresses.
        mtu: the largest packet.
        make_wire: makes the link, and returns its other end; where there is no tun device.

    Raises:
        NoWayOutError: It can't be started.
    """
    program = shutil.which("slirp4netns")
    if program is None:
        raise NoWayOutError("slirp4netns is not installed; install it from your distribution")
    argv = [program, f"--cidr={subnet.network}", f"--mtu={mtu}", "--disable-host-loopback"]
    # It parses what containers send: it keeps no capability and sees no files beyond /etc.
    argv += ["--enable-sandbox"]
    refusal = tun_refusal()
    if refusal is None:
        return _start([*argv, "--netns-type=path", str(ns_path), TAP])
    try:
        wire = make_wire()
    except OSError as error:
        raise NoWayOutError(
            f"{TUN} cannot be opened ({refusal}), nor can a packet socket ({error.strerror}). "
            f"Open the first to this user (`sudo chmod 0666 {TUN}`, as udev does where it runs; "
            f"a container needs `--device {TUN}`), or allow the second (CAP_NET_RAW)"
        ) from error
    path = ns_path.with_name("slirp4netns")
    with wire:
        return _start([*argv, "--target-type=bess", str(path)], wire=wire, path=path)


def _start(
    argv: Sequence[str], *, wire: socket.socket | None = None, path: Path | None = None
) -> Outside:
    ready_out, ready_in = os.pipe()
    exit_out, exit_in = os.pipe()
    program, *rest = argv
    try:
        process = subprocess.Popen(
            [program, f"--ready-fd={ready_in}", f"--exit-fd={exit_out}", *rest],
            pass_fds=(ready_in, exit_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(ready_in)
        os.close(exit_out)
    pump = None if wire is None or path is None else _start_pump(process, wire, path)
    with os.fdopen(ready_out, "rb") as ready:
        started = ready.read(1) == b"1"
    if started:
        _drain(process)
        return Outside(process=process, alive=exit_in, pump=pump)
    os.close(exit_in)
    said = process.communicate()[1].decode(errors="replace").strip()
    last = said.splitlines()[-1] if said else process.returncode
    raise NoWayOutError(f"slirp4netns did not start: {last}")


def _start_pump(
    process: subprocess.Popen[bytes], wire: socket.socket, path: Path
) -> subprocess.Popen[bytes] | None:
    """Pass frames between the wire and slirp4netns, once that listens at the path; or it ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as channel:
        while not _connected(channel, path):
            if process.poll() is not None:
                return None
            time.sleep(_POLL_S)
        path.unlink()
        descriptors = (wire.fileno(), channel.fileno())
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PUMP), *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            pass_fds=descriptors,
        )


def _connected(channel: socket.socket, path: Path) -> bool:
    try:
        channel.connect(str(path))
    except OSError:
        return False
    return True


def _drain(process: subprocess.Popen[bytes]) -> None:
    """Read what slirp4netns says, so that it never waits for a reader."""
    said = process.stderr
    if said is not None:
        threading.Thread(target=said.read, name="slirp4netns", daemon=True).start()
