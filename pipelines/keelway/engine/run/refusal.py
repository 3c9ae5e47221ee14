"""Why there is no sandbox here: what the kernel or the container refused, and what to do."""

from __future__ import annotations

import errno
from enum import Enum
from pathlib import Path
from typing import Final

from keelway.engine.errors import EngineError

_SYSCTL: Final = Path("/proc/sys")
_STATUS: Final = Path("/proc/self/status")
_FILTERED: Final = "2"
_LIMIT: Final = "user/max_user_namespaces"


class Cause(Enum):
    """What it was that is missing."""

    NAMESPACES = "namespaces"
    """The kernel or the container gives none; nothing of the process has changed."""
    LIMIT = "limit"
    """There are as many as the machine allows at a time; nothing of the process has changed."""
    IDS = "ids"
    """The user's ids can't be mapped: no subordinate ones, or no program that maps them."""
    PROC = "proc"
    """`/proc` may not be mounted anew, since a container hides parts of it."""
    MOUNTS = "mounts"
    """Namespaces there are, but no mounts in them."""


class SandboxRefusedError(EngineError):
    """The sandbox can't be entered; the text says what is missing and what to do."""

    def __init__(self, cause: Cause, message: str) -> None:
        """Keep the cause, by which callers may choose another way."""
        super().__init__(message)
        self.cause = cause

    def packed(self) -> bytes:
        """Return what `unpacked` understands in another process."""
        return f"{self.cause.value} {self}".encode()

    @classmethod
    def unpacked(cls, data: bytes) -> SandboxRefusedError:
        """Return what another process had."""
        cause, _, message = data.decode(errors="replace").partition(" ")
        return cls(Cause(cause), message)


def namespaces_refused(error: OSError, *, root: bool) -> SandboxRefusedError:
    """Return what to say when no namespaces could be made."""
    who = "root may make neither namespaces nor a user namespace" if root else "no user namespace"
    limited = error.errno == errno.ENOSPC and _setting(_LIMIT) not in {None, "0"}
    cause = Cause.LIMIT if limited else Cause.NAMESPACES
    return SandboxRefusedError(cause, f"{who} here: {_namespace_reason(error)}")


def _namespace_reason(error: OSError) -> str:  # noqa: PLR0911 - one return a reason
    if not Path("/proc/self/ns/user").exists():
        return "this kernel has none (CONFIG_USER_NS); take another, or run the engine as root"
    if error.errno == errno.ENOSPC:
        limit = _setting(_LIMIT)
        return (
            f"the machine's limit of {limit} is reached; "
            "as root on the host: `sysctl user.max_user_namespaces=10000`"
        )
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return (
            "the machine keeps them from users; "
            "as root on the host: `sysctl kernel.unprivileged_userns_clone=1`"
        )
    if is_restricted_by_apparmor():
        return (
            "AppArmor keeps them from users; "
            "as root on the host: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        )
    if _in_chroot():
        return (
            "the kernel makes none in a chroot; enter the folder by `unshare --mount` and "
            "`pivot_root`, or by systemd-nspawn, or run the engine outside of it"
        )
    if status("Seccomp") == _FILTERED:
        return (
            f"a filter of system calls refuses them ({error.strerror}), as in a container; start "
            "that with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`, "
            "or with `--privileged`, or run the engine on the host"
        )
    return f"the kernel says {error.strerror}; run the engine as root, or on the host"


def is_restricted_by_apparmor() -> bool:
    """Tell whether users get user namespaces without any power in them (Ubuntu since 23.10)."""
    return _setting("kernel/apparmor_restrict_unprivileged_userns") == "1"


def mapping_advice(said: str) -> str:
    """Return what to do about newuidmap or newgidmap, which are there but failed."""
    if status("NoNewPrivs") == "1":
        return (
            "it may not gain privileges here (no_new_privs): start the container without "
            "`--security-opt no-new-privileges`, the service without NoNewPrivileges="
        )
    if "Operation not permitted" in said or "Permission denied" in said:
        return (
            "it needs its set-uid bit, and a file system that honours it: "
            "`chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap`"
        )
    return "see newuidmap(1)"


def proc_refused() -> SandboxRefusedError:
    """Return what to say when `/proc` may not be mounted anew."""
    return SandboxRefusedError(
        Cause.PROC,
        "/proc may not be mounted anew since parts of it are hidden, as in a container. "
        "Start that with `--security-opt systempaths=unconfined`, or run the engine on the host",
    )


def mounts_refused(error: OSError) -> SandboxRefusedError:
    """Return what to say when there are namespaces, but no mounts in them."""
    advice = (
        "a security module of the host does that, as AppArmor does to Docker's containers: start "
        "the container with `--security-opt apparmor=unconfined`, or run the engine on the host"
    )
    if is_restricted_by_apparmor():
        advice = "as root on the host: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    said = f"nothing may be mounted in the engine's own namespaces ({error.strerror}): {advice}"
    return SandboxRefusedError(Cause.MOUNTS, said)


def status(field: str) -> str | None:
    """Return one value of /proc/self/status, or None when the kernel has it not."""
    for line in _STATUS.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    return None


def _setting(name: str) -> str | None:
    try:
        return (_SYSCTL / name).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _in_chroot() -> bool:
    """Tell whether the root is a plain directory of some mount: mounts above are not shown."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return not any(line.split()[4] == "/" for line in lines)
