"""How a program is installed on this machine: its package manager, and what it calls the package.

Example:
    >>> debian = Distribution(name="debian", install="apt-get install", packages="debian")
    >>> debian.command("newuidmap", "mmdebstrap")
    'apt-get install uidmap mmdebstrap'
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_MANAGERS = (
    ("debian", "apt-get", "apt-get install"),
    ("fedora", "dnf", "dnf install"),
    ("alpine", "apk", "apk add"),
    ("suse", "zypper", "zypper install"),
    ("arch", "pacman", "pacman -S"),
)
_PACKAGES: dict[str, dict[str, str]] = {
    "newuidmap": {
        "debian": "uidmap", "fedora": "shadow-utils", "alpine": "shadow-uidmap",
        "suse": "shadow", "arch": "shadow",
    },
    "busybox": {"debian": "busybox-static", "alpine": "busybox-static", "suse": "busybox-static"},
    "qemu": {
        "debian": "qemu-user-static", "fedora": "qemu-user-static", "alpine": "qemu-openrc",
        "suse": "qemu-linux-user", "arch": "qemu-user-static-binfmt",
    },
    "ssh": {
        "debian": "openssh-client", "fedora": "openssh-clients", "alpine": "openssh-client",
        "suse": "openssh-clients", "arch": "openssh",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The distribution, as far as installing goes."""

    name: str
    install: str
    """The words before the packages; empty where its package manager is not known."""
    packages: str
    """The family whose names of packages hold."""

    def command(self, *programs: str) -> str:
        """Return the command that installs programs."""
        names = " ".join(_PACKAGES.get(one, {}).get(self.packages, one) for one in programs)
        return f"{self.install} {names}" if self.install else f"install {names}"


def this_distribution(search_path: str) -> Distribution:
    """Return the distribution of this machine.

    Args:
        search_path: The value of PATH, in which its package manager is looked for.
    """
    words = _os_release()
    kin = [words.get("ID", ""), *words.get("ID_LIKE", "").split()]
    families = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse"}
    family = {families.get(one, one) for one in kin}
    for name, program, install in _MANAGERS:
        by_name = name in family
        by_program = not any(kin) and shutil.which(program, path=search_path) is not None
        if by_name or by_program:
            by = "" if os.geteuid() == 0 else "sudo "
            return Distribution(
                name=words.get("PRETTY_NAME", name), install=by + install, packages=name
            )
    return Distribution(name=words.get("PRETTY_NAME", "unknown"), install="", packages="")


def _os_release() -> dict[str, str]:
    for path in _OS_RELEASE:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        pairs = (line.partition("=") for line in lines if "=" in line)
        return {key: value.strip().strip("\"'") for key, _, value in pairs}
    return {}
