"""Programs of other platforms, by the kernel's binfmt_misc and qemu-user.

    ensure("linux/arm64")

The kernel opens the emulator when it is registered (flag F), so containers need not have it. What
the host has registered is used. Root registers what is missing, as `update-binfmts` would; the
entry stays, as it does after that. An ordinary user's sandbox then mounts a binfmt_misc of its own
(kernel 6.7): the host's entries no longer hold in it, so all that there are emulators for are
registered at once, and nothing of it shows outside.
"""

from __future__ import annotations

import os
import platform as host_platform
import threading
from pathlib import Path
from typing import Final

from keelway.engine.errors import EngineError
from keelway.engine.run import kernel
from keelway.engine.run.foreign import is_emulated

FOLDER: Final = Path("/proc/sys/fs/binfmt_misc")

_RULES: Final = Path("/usr/lib/binfmt.d")
_QEMU: Final = {
    "arm64": "aarch64",
    "arm": "arm",
    "386": "i386",
    "amd64": "x86_64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "mips64le": "mips64el",
    "loong64": "loongarch64",
}
_NATIVE: Final = {
    "x86_64": {"amd64", "386"},
    "aarch64": {"arm64"},
    "ppc64le": {"ppc64le"},
    "riscv64": {"riscv64"},
    "s390x": {"s390x"},
}
_RULE_FIELDS: Final = 8
_LOCK = threading.Lock()
_ready: set[str] = set()


def missing_emulator(platform: str, *, registered: bool) -> str | None:
    """Return qemu's name for what programs of a platform must be given to run here.

    None where they run as they are; with `registered`, what the kernel emulates counts as that.

    Raises:
        EngineError: They can't run on any machine like this.
    """
    os_name, _, rest = platform.partition("/")
    arch = rest.partition("/")[0]
    if os_name != "linux":
        raise EngineError(f"programs for {platform} cannot run here: only Linux ones can")
    if arch in _NATIVE.get(host_platform.machine(), set()):
        return None
    qemu = _QEMU.get(arch)
    if qemu is None:
        raise EngineError(f"programs for {platform} cannot run here: no emulator is known")
    return None if registered and (_is_registered(qemu) or is_emulated(arch)) else qemu


def ensure(platform: str) -> None:
    """Make programs of a platform run, in containers too.

    Raises:
        EngineError: They can't; says what to install.
    """
    os_name, _, rest = platform.partition("/")
    arch = rest.partition("/")[0]
    if arch in _ready:
        return
    if os_name != "linux":
        raise EngineError(f"programs for {platform} cannot run here: only Linux ones can")
    with _LOCK:
        if arch not in _ready and arch not in _NATIVE.get(host_platform.machine(), set()):
            _emulate(platform, arch)
        _ready.add(arch)


def _emulate(platform: str, arch: str) -> None:
    qemu = _QEMU.get(arch)
    if qemu is None:
        raise EngineError(f"programs for {platform} cannot run here: no emulator is known")
    if not _has_register():
        _mount(platform)
    if _is_registered(qemu):
        return
    rule = read_rule(qemu)
    if rule is None:
        raise EngineError(
            f"programs for {platform} need an emulator: install qemu-user-static "
            "(apt-get install qemu-user-static)"
        )
    try:
        _register(rule)
    except PermissionError:
        _mount(platform)
        _register_all(platform)


def _has_register() -> bool:
    return (FOLDER / "register").exists()


def _is_registered(qemu: str) -> bool:
    return _is_usable(f"qemu-{qemu}") or _is_usable(f"keelway-{qemu}")


def _mount(platform: str) -> None:
    try:
        kernel.mount("binfmt_misc", FOLDER, "binfmt_misc", 0)
    except OSError as error:
        raise EngineError(
            f"programs for {platform} cannot run here: the kernel's binfmt_misc is not reached "
            f"({error.strerror}). As root: apt-get install binfmt-support qemu-user-static"
        ) from error


def _is_usable(entry: str) -> bool:
    """Say whether an entry is enabled and its emulator needs not be in the container."""
    try:
        lines = (FOLDER / entry).read_text().splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2] for line in lines if line.startswith("flags")), "")
    return "enabled" in lines[:1] and "F" in flags


def read_rule(qemu: str) -> str | None:
    """Return what registers an emulator, with the magic number that its package brings.

    The rule is systemd's (binfmt.d(5)): `:name:M:offset:magic:mask:interpreter:flags`. None when
    the emulator is not installed.

    Raises:
        EngineError: The package's rule has an unknown form.
    """
    file = _RULES / f"qemu-{qemu}.conf"
    interpreter = Path(f"/usr/bin/qemu-{qemu}-static")
    if not file.exists() or not interpreter.exists():
        return None
    lines = [line for line in file.read_text().splitlines() if line.startswith(":")]
    fields = lines[0].split(":") if lines else []
    if len(fields) != _RULE_FIELDS:
        raise EngineError(f"{file} has no rule of a form that is known")
    _, _, kind, offset, magic, mask, _, _ = fields
    return f":keelway-{qemu}:{kind}:{offset}:{magic}:{mask}:{interpreter}:F"


def _register_all(platform: str) -> None:
    """Register every emulator in a binfmt_misc of our own."""
    native = _NATIVE.get(host_platform.machine(), set())
    for arch, qemu in _QEMU.items():
        rule = None if arch in native else read_rule(qemu)
        if rule is not None:
            try:
                _register(rule)
            except OSError as error:
                raise EngineError(
                    f"programs for {platform} cannot run here: the emulator qemu-{qemu} could not "
                    f"be registered ({error.strerror}). As root: apt-get install binfmt-support "
                    "qemu-user-static"
                ) from error


def _register(rule: str) -> None:
    """Give a rule to the kernel; one that another engine was quicker with is fine.

    Raises:
        OSError: The kernel refused; PermissionError for an ordinary user and the host's own.
    """
    try:
        descriptor = os.open(FOLDER / "register", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, rule.encode())
        finally:
            os.close(descriptor)
    except FileExistsError:
        pass
