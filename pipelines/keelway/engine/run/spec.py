"""What to run, and the same as an OCI runtime specification: pure, nothing is touched here.

`ExecSpec` is what the solver says; `oci_spec` makes the runtime's `config.json` of it. Confined as
Docker and Dagger do it: Docker's default capabilities, masked and read-only paths, own mount, PID,
IPC, UTS and network namespaces. `no_new_privileges` stays off, since `sudo` and `su` must work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, TypeAlias

from keelway.engine.run.users import User

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.engine.run.names import Names

Json: TypeAlias = dict[str, object]

DEFAULT_CAPABILITIES: Final = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
"""What Docker leaves to root in a container."""

MASKED_PATHS: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)

READONLY_PATHS: Final = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)


LONGEST_HOSTNAME: Final = 64
"""What the kernel takes; names of services may be longer, in /etc/hosts and in the name server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A directory or file of the engine's, shown at a path of the container."""

    source: Path
    target: str
    readonly: bool = False
    shared: bool = False
    """Others have it at the same time: a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmpfs:
    """An empty tmpfs; no size means the kernel's default (half of the memory)."""

    target: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A secret as a read-only file that is only ever in memory."""

    target: str
    data: bytes = field(repr=False)
    uid: int = 0
    gid: int = 0
    mode: int = 0o400


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A place on a network: the namespace to enter, and what the container must know of it."""

    ns_path: str
    """Path of the network namespace, valid in the engine's own process tree."""
    address: str | None = None
    """IPv4 address on the session's network; None where there is loopback only."""
    nameserver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSpec:
    """One command in one root. Targets are absolute paths in the container."""

    root: Path
    """The mounted, merged directory; the mount is the caller's."""
    argv: Sequence[str]
    env: Sequence[str] = ()
    """`NAME=value`, later ones win; the runtime adds HOME from passwd when there is none."""
    cwd: str = "/"
    """Made (0755, of the user) when it is missing."""
    user: User = field(default_factory=User)
    hostname: str = "dagger"
    binds: Sequence[Bind] = ()
    tmpfs: Sequence[Tmpfs] = ()
    secrets: Sequence[SecretFile] = ()
    network: Endpoint | None = None
    """None is a network namespace of its own with loopback only."""
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further names for /etc/hosts: name -> address."""
    names: Names | None = None
    """Names that come and go while the command runs."""
    init: bool = True
    """PID 1 is an init that reaps orphans; otherwise the command itself is PID 1."""
    terminal: tuple[int, int] | None = None
    """The runtime gives the command a terminal of so many columns and lines, not three streams."""
    privileged: bool = False
    """All capabilities of the engine, its devices, no masks and no system call filter."""
    platform: str = ""
    """What the programs are made for, as `linux/arm64`; empty is this machine's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What the engine's side adds to an `ExecSpec`: things found or made at run time."""

    files: Sequence[Bind] = ()
    """hosts, resolv.conf, certificates, secrets: mounted after all others at the same depth."""
    pid_namespace: str | None = None
    seccomp: Json | None = None
    seccomp_program: str | None = None
    """The compiled filter in base64, for a runtime that takes it; goes before `seccomp`."""
    capabilities: Sequence[str] = DEFAULT_CAPABILITIES
    devices: Sequence[Json] = ()


def oci_spec(spec: ExecSpec, confinement: Confinement) -> Json:
    """Return the runtime's `config.json` as plain data."""
    made: Json = {
        "ociVersion": "1.0.2",
        "process": _process(spec, confinement),
        "root": {"path": str(spec.root), "readonly": False},
        "hostname": spec.hostname[:LONGEST_HOSTNAME],
        "mounts": [*_system_mounts(spec), *_own_mounts(spec, confinement)],
        "linux": _linux(spec, confinement),
    }
    if confinement.seccomp_program is not None:
        made["annotations"] = {"run.oci.seccomp_bpf_data": confinement.seccomp_program}
    return made


def mount_targets(spec: ExecSpec, files: Sequence[Bind]) -> tuple[str, ...]:
    """Return where the runtime needs something to mount on, parents before children."""
    system = ("/proc", "/dev", "/sys")
    own = [one.target for one in (*spec.binds, *files)] + [one.target for one in spec.tmpfs]
    return (*system, *sorted(own, key=_depth))


def _process(spec: ExecSpec, confinement: Confinement) -> Json:
    names = list(confinement.capabilities)
    return {
        **terminal_of(spec.terminal),
        "user": {
            "uid": spec.user.uid,
            "gid": spec.user.gid,
            "additionalGids": spec.user.all_groups,
            "umask": 0o022,
        },
        "args": list(spec.argv),
        "env": last_wins(spec.env),
        "cwd": spec.cwd,
        "capabilities": {"bounding": names, "effective": names, "permitted": names},
        "noNewPrivileges": False,
    }


def terminal_of(size: tuple[int, int] | None) -> Json:
    """Return what a process description says of its terminal; None for none."""
    if size is None:
        return {"terminal": False}
    columns, lines = size
    return {"terminal": True, "consoleSize": {"width": columns, "height": lines}}


def _linux(spec: ExecSpec, confinement: Confinement) -> Json:
    network: Json = {"type": "network"}
    if spec.network is not None:
        network["path"] = spec.network.ns_path
    pid: Json = {"type": "pid"}
    if confinement.pid_namespace is not None:
        pid["path"] = confinement.pid_namespace
    made: Json = {
        "namespaces": [pid, network, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}],
        "maskedPaths": [] if spec.privileged else list(MASKED_PATHS),
        "readonlyPaths": [] if spec.privileged else list(READONLY_PATHS),
    }
    if confinement.devices:
        made["devices"] = list(confinement.devices)
    if confinement.seccomp is not None and confinement.seccomp_program is None:
        made["seccomp"] = confinement.seccomp
    return made


def _system_mounts(spec: ExecSpec) -> list[Json]:
    quiet = ["nosuid", "noexec", "nodev"]
    sys = [*quiet, "rw" if spec.privileged else "ro"]
    return [
        _mount("/proc", "proc", quiet),
        _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount(
            "/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=620"]
        ),
        _mount("/dev/shm", "tmpfs", [*quiet, "mode=1777", "size=67108864"]),  # noqa: S108 - a mount
        _mount("/dev/mqueue", "mqueue", quiet),
        _mount("/sys", "sysfs", sys),
    ]


def _mount(target: str, fstype: str, options: Sequence[str]) -> Json:
    return {"destination": target, "type": fstype, "source": fstype, "options": list(options)}


def _own_mounts(spec: ExecSpec, confinement: Confinement) -> list[Json]:
    mounts = [
        *(_tmpfs(one) for one in spec.tmpfs),
        *(_bind(one, spec) for one in (*spec.binds, *confinement.files)),
    ]
    # A parent mounted after its child would hide it.
    return sorted(mounts, key=lambda mount: _depth(str(mount["destination"])))


def _bind(one: Bind, spec: ExecSpec) -> Json:
    options = ["rbind", "rprivate", "ro" if one.readonly else "rw"]
    if one.shared and not spec.privileged:
        options.append("nodev")  # a privileged command may have made some in a cache
    return {
        "destination": one.target,
        "type": "bind",
        "source": str(one.source),
        "options": options,
    }


def _tmpfs(one: Tmpfs) -> Json:
    options = ["nosuid", "nodev", "mode=1777"]
    if one.size_bytes is not None:
        options.append(f"size={one.size_bytes}")
    return _mount(one.target, "tmpfs", options)


def _depth(target: str) -> int:
    return len(PurePosixPath(target).parts)


def last_wins(env: Sequence[str]) -> list[str]:
    """Drop all but the last of equal names: programs differ in which one they take."""
    found: dict[str, str] = {}
    for entry in env:
        found[entry.partition("=")[0]] = entry
    return list(found.values())
