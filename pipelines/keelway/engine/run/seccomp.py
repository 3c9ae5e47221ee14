"""The filter of system calls that containers run under.

It is the one that containers/common installs, made as strict as Docker's; or a short one of our own
where there is none. Compiling a filter of this size takes 12 ms, and a runtime does it at every
start. crun takes the finished program instead (annotation `run.oci.seccomp_bpf_data`); so it is
compiled once a session, by the same libseccomp. Without that library, or with runc, the runtime
compiles it itself.
"""

from __future__ import annotations

import base64
import ctypes
import functools
import json
import os
import platform
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from keelway.engine.devices import HARMLESS_DEVICES
from keelway.engine.run.spec import DEFAULT_CAPABILITIES, Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INSTALLED: Final = (
    Path("/etc/containers/seccomp.json"),
    Path("/usr/share/containers/seccomp.json"),
)
_EPERM: Final = 1
_ENOSYS: Final = 38
_ALLOW: Final = "SCMP_ACT_ALLOW"
_ERRNO: Final = "SCMP_ACT_ERRNO"

_DENIED: Final = (
    "acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module "
    "fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter "
    "io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl "
    "lookup_dcookie mbind mount mount_setattr move_mount nfsservctl open_by_handle_at "
    "open_tree perf_event_open pivot_root query_module quotactl quotactl_fd reboot "
    "request_key set_mempolicy setns settimeofday stime swapoff swapon syslog umount umount2 "
    "unshare uselib userfaultfd ustat vhangup vm86 vm86old"
)
"""What Docker's default profile keeps from containers without further capabilities."""

_CLONE_NEW: Final = 0x7E020000
_MKNOD: Final = {"mknod": 1, "mknodat": 2}
"""Which argument is the mode; the device's number stands after it."""
_S_IFMT: Final = 0xF000
_DEVICES: Final = (stat.S_IFCHR, stat.S_IFBLK)
_NO_DEVICES: Final = (0, stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK)
_AF_VSOCK: Final = 40
_GO_ARCH: Final = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
_OWN_ARCHES: Final = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter as data for any runtime, and compiled for one that takes it so."""

    profile: Json
    program: str | None
    """A BPF program in base64."""


ALLOW_ALL: Final = base64.b64encode(bytes.fromhex("060000000000ff7f")).decode()
"""The shortest program, to see whether a runtime takes one."""


@functools.cache
def default_filter() -> Filter:
    """Return the filter of this machine; made once a process."""
    profile = _installed_profile() or own_profile(platform.machine())
    try:
        program = base64.b64encode(compile_profile(profile)).decode()
    except OSError:
        program = None  # no libseccomp: the runtime brings its own
    return Filter(profile=profile, program=program)


def _installed_profile() -> Json | None:
    for path in _INSTALLED:
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        return as_strict_as_docker(oci_profile(data, platform.machine(), DEFAULT_CAPABILITIES))
    return None


def oci_profile(data: Mapping[str, Any], machine: str, capabilities: Sequence[str]) -> Json:
    """Return a profile of containers/common's form as the runtime specification has it.

    Rules that are for other machines or other capabilities are left out.
    """
    arch = _GO_ARCH.get(machine, machine)
    token = f"SCMP_ARCH_{machine.upper()}"
    families = [one for one in data.get("archMap", ()) if one["architecture"] == token]
    arches = [token, *(sub for family in families for sub in family.get("subArchitectures") or ())]
    made: Json = {
        "defaultAction": data["defaultAction"],
        "architectures": arches,
        "syscalls": [
            _oci_rule(rule) for rule in data["syscalls"] if _applies(rule, arch, capabilities)
        ],
    }
    if data.get("defaultErrnoRet") is not None:
        made["defaultErrnoRet"] = data["defaultErrnoRet"]
    return made


def _applies(rule: Mapping[str, Any], arch: str, capabilities: Sequence[str]) -> bool:
    wanted: Mapping[str, Any] = rule.get("includes") or {}
    unwanted: Mapping[str, Any] = rule.get("excludes") or {}
    if wanted.get("arches") and arch not in wanted["arches"]:
        return False
    if arch in (unwanted.get("arches") or ()):
        return False
    needed: Sequence[str] = wanted.get("caps") or ()
    barred: Sequence[str] = unwanted.get("caps") or ()
    return set(needed) <= set(capabilities) and not set(barred) & set(capabilities)


def _oci_rule(rule: Mapping[str, Any]) -> Json:
    made: Json = {"names": rule["names"], "action": rule["action"]}
    if rule.get("errnoRet") is not None:
        made["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        made["args"] = rule["args"]
    return made


def as_strict_as_docker(profile: Json) -> Json:
    """Return the profile without what podman's containers may do and Docker's may not.

    containers/common allows new namespaces and mounts, which user namespaces make harmless in
    theory, and the road of many an escape in practice.
    """
    denied = {*_DENIED.split(), "clone", "clone3", "socket", *_MKNOD}
    kept: list[Json] = []
    for rule in _listed(profile, "syscalls"):
        names = [name for name in rule["names"] if name not in denied]
        if names:
            kept.append({**rule, "names": names})
    no_flag = {"index": 0, "value": _CLONE_NEW, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    kept.append({"names": ["clone"], "action": _ALLOW, "args": [no_flag]})
    kept += _harmless_nodes()
    kept.append({"names": ["socket"], "action": _ALLOW, "args": [_vsock("SCMP_CMP_NE")]})
    return {**profile, "syscalls": [*kept, *_denials()]}


def own_profile(machine: str) -> Json:
    """Return a profile that allows all but what could reach beyond a container."""
    kinds = [_is_kind(number, kind) for number in _MKNOD.items() for kind in _DEVICES]
    made: Json = {
        "defaultAction": _ALLOW,
        "syscalls": [
            *_denials(),
            *({"names": [name], "action": _ERRNO, "args": [test]} for name, test in kinds),
        ],
    }
    if machine in _OWN_ARCHES:
        made["architectures"] = _OWN_ARCHES[machine]
    return made


def _harmless_nodes() -> list[Json]:
    """Return rules for the files that `mknod` may make, of all devices only the harmless ones.

    Docker lets root make them all, and has a control group that keeps them from being opened. The
    engine has no such group, so a disk's node would be the disk.
    """
    rules: list[Json] = []
    for name, index in _MKNOD.items():
        for kind in _NO_DEVICES:
            _, test = _is_kind((name, index), kind)
            rules.append({"names": [name], "action": _ALLOW, "args": [test]})
        _, character = _is_kind((name, index), stat.S_IFCHR)
        for device in HARMLESS_DEVICES:
            number = {"index": index + 1, "value": os.makedev(*device), "op": "SCMP_CMP_EQ"}
            rules.append({"names": [name], "action": _ALLOW, "args": [character, number]})
        _, block = _is_kind((name, index), stat.S_IFBLK)
        rules.append({"names": [name], "action": _ERRNO, "errnoRet": _EPERM, "args": [block]})
    return rules


def _is_kind(call: tuple[str, int], kind: int) -> tuple[str, Json]:
    """Return the name of a call, and the test whether it makes a file of this kind."""
    name, index = call
    return name, {"index": index, "value": _S_IFMT, "valueTwo": kind, "op": "SCMP_CMP_MASKED_EQ"}


def _vsock(comparison: str) -> Json:
    """Return the test for sockets to the hypervisor, which no network namespace holds back."""
    return {"index": 0, "value": _AF_VSOCK, "op": comparison}


def _listed(profile: Json, key: str) -> list[Any]:
    """Return a list of a profile, which may leave it out."""
    return cast("list[Any]", profile.get(key) or [])


def _denials() -> list[Json]:
    return [
        {"names": _DENIED.split(), "action": _ERRNO, "errnoRet": _EPERM},
        # Threads are made by clone3 where there is one; its flags no filter can see.
        {"names": ["clone3"], "action": _ERRNO, "errnoRet": _ENOSYS},
        {
            "names": ["socket"],
            "action": _ERRNO,
            "errnoRet": _EPERM,
            "args": [_vsock("SCMP_CMP_EQ")],
        },
        *(_deny_clone(1 << bit) for bit in range(32) if _CLONE_NEW >> bit & 1),
    ]


def _deny_clone(flag: int) -> Json:
    compared = {"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}
    return {"names": ["clone"], "action": _ERRNO, "errnoRet": _EPERM, "args": [compared]}


# --- libseccomp ------------------------------------------------------------------------------

_ACTIONS: Final = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    _ALLOW: 0x7FFF0000,
}
_ERRNO_BASE: Final = 0x00050000
_COMPARISONS: Final = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
_OPTIMIZE: Final = 8
_AS_TREE: Final = 2


class _ArgCmp(ctypes.Structure):
    _fields_ = (  # type: ignore[mutable-override]  # a tuple does as well
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def compile_profile(profile: Json) -> bytes:
    """Return the BPF program of a profile in the runtime specification's form.

    Raises:
        OSError: There is no libseccomp, or it refused the profile.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    default = _action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    made = library.seccomp_init(ctypes.c_uint32(default))
    if not made:
        raise OSError("libseccomp made no filter")
    context = ctypes.c_void_p(made)
    try:
        _add_arches(library, context, profile)
        library.seccomp_attr_set(context, _OPTIMIZE, ctypes.c_uint32(_AS_TREE))
        for action, name, arguments in _rules(profile):
            if action != default:  # libseccomp takes no rule that says what holds anyway
                _add_rule(library, context, action, name, arguments)
        with tempfile.TemporaryFile() as file:
            _accept(library.seccomp_export_bpf(context, ctypes.c_int(file.fileno())), "export")
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _add_arches(library: ctypes.CDLL, context: ctypes.c_void_p, profile: Json) -> None:
    for arch in _listed(profile, "architectures"):
        name = str(arch).removeprefix("SCMP_ARCH_").lower().encode()
        token = library.seccomp_arch_resolve_name(name)
        if token and library.seccomp_arch_exist(context, token):
            _accept(library.seccomp_arch_add(context, token), name.decode())


def _rules(profile: Json) -> Iterator[tuple[int, str, Sequence[Mapping[str, Any]]]]:
    for rule in _listed(profile, "syscalls"):
        action = _action(rule["action"], rule.get("errnoRet"))
        for name in rule["names"]:
            yield action, name, rule.get("args") or ()


def _action(name: object, errno_return: object) -> int:
    if name == _ERRNO:
        return _ERRNO_BASE | (errno_return if isinstance(errno_return, int) else _EPERM)
    return _ACTIONS[str(name)]


def _add_rule(
    library: ctypes.CDLL,
    context: ctypes.c_void_p,
    action: int,
    name: str,
    arguments: Sequence[Mapping[str, Any]],
) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == -1:  # younger than the library: the default action holds
        return
    compared = (_ArgCmp * len(arguments))(*(_compared(one) for one in arguments))
    done = library.seccomp_rule_add_array(
        context, ctypes.c_uint32(action), ctypes.c_int(number), len(arguments), compared
    )
    _accept(done, name)


def _compared(argument: Mapping[str, Any]) -> _ArgCmp:
    operator = _COMPARISONS.index(argument["op"].removeprefix("SCMP_CMP_")) + 1
    return _ArgCmp(argument["index"], operator, argument["value"], argument.get("valueTwo") or 0)


def _accept(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result), what)
