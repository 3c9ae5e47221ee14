"""The platform of this machine, and the others whose programs it runs."""

from __future__ import annotations

import platform
from pathlib import Path

from keelway.model.platform import AMD64, Platform, parse_platform

BINFMT = Path("/proc/sys/fs/binfmt_misc")
RULES = Path("/usr/lib/binfmt.d")

_NATIVE = {
    "x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64",
    "arm64": "linux/arm64", "armv7l": "linux/arm/v7", "i686": "linux/386",
    "ppc64le": "linux/ppc64le", "riscv64": "linux/riscv64", "s390x": "linux/s390x",
}  # fmt: skip
# As qemu names architectures, where it does so in its own way.
_QEMU = {
    "amd64": "x86_64", "arm64": "aarch64", "386": "i386", "mips64le": "mips64el",
    "loong64": "loongarch64",
}  # fmt: skip
_ALSO = {"amd64": {"386"}, "arm64": {"arm"}}


def native_platform() -> Platform:
    """Return the platform whose programs this machine runs by itself."""
    return parse_platform(_NATIVE.get(platform.machine().lower(), AMD64))


def native_of(wanted: Platform, machine: str) -> bool:
    """Say whether a machine, as `uname -m` names it, runs a platform's programs by itself.

    >>> native_of(parse_platform("linux/arm64"), "aarch64")
    True
    """
    known = _NATIVE.get(machine.lower())
    return known is not None and _runs(wanted, parse_platform(known))


def _runs(wanted: Platform, here: Platform) -> bool:
    arch, native = wanted.split("/")[1], here.split("/")[1]
    return arch == native or arch in _ALSO.get(native, set())


def how_it_runs(wanted: Platform) -> str | None:
    """Return how the programs of a platform run on this machine; nothing when they do not.

    What the kernel was told of emulators is read; nothing is run.
    """
    if _runs(wanted, native_platform()):
        return "by itself"
    arch = wanted.split("/")[1]
    qemu = _QEMU.get(arch, arch)
    for name in (f"qemu-{qemu}", f"keelway-{qemu}"):
        if _first_line(BINFMT / name) == "enabled":
            return f"emulated: {name} is registered with the kernel"
    if any(RULES.glob(f"qemu-{qemu}*.conf")):
        return f"emulated: the engine registers qemu-{qemu} when it is needed"
    return None


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return ""
