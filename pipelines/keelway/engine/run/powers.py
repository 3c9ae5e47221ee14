"""What a privileged exec gets: the capabilities and the devices that the engine itself has."""

from __future__ import annotations

import functools
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keelway.engine.run.spec import Json

_NUMBERED: Final = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
"""The names by number, as in linux/capability.h."""

_DEVICES: Final = ("fuse", "net/tun", "kvm", "loop-control", "vhost-net", "vsock")
_LOOPS: Final = 8


@functools.cache
def available_capabilities() -> tuple[str, ...]:
    """Return the names of the capabilities that this process has in effect."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            bits = int(line.split()[1], 16)
            return tuple(
                f"CAP_{name}" for bit, name in enumerate(_NUMBERED.split()) if bits >> bit & 1
            )
    return ()


def number_of(capability: str) -> int:
    """Return the kernel's number of a capability (`CAP_CHOWN`)."""
    names: list[str] = [*_NUMBERED.split()]
    return names.index(capability.removeprefix("CAP_"))


def is_filtered() -> bool:
    """Tell whether this process runs under a filter of system calls already."""
    return "\nSeccomp:\t2\n" in Path("/proc/self/status").read_text()


def special_devices() -> tuple[Json, ...]:
    """Return the host's devices that builds in privileged containers want, where they exist."""
    names = (*_DEVICES, *(f"loop{number}" for number in range(_LOOPS)))
    return tuple(device for name in names if (device := _device(Path("/dev") / name)) is not None)


def _device(path: Path) -> Json | None:
    try:
        state = path.stat()
    except OSError:
        return None
    if not (stat.S_ISCHR(state.st_mode) or stat.S_ISBLK(state.st_mode)):
        return None
    return {
        "path": str(path),
        "type": "c" if stat.S_ISCHR(state.st_mode) else "b",
        "major": os.major(state.st_rdev),
        "minor": os.minor(state.st_rdev),
        "fileMode": 0o666,
        "uid": 0,
        "gid": 0,
    }
