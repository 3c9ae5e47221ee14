"""The files by which a scanner knows a Debian system and a Python package, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = """\
Package: {name}
Status: install ok installed
Priority: optional
Section: libs
Maintainer: Debian <debian@example.com>
Architecture: {architecture}
Source: {source}
Version: {version}
Description: {name}
"""

VULNERABLE = {
    "libc6": ("glibc", "2.36-9+deb12u1"),
    "zlib1g": ("zlib", "1:1.2.13.dfsg-1"),
}
"""Packages of Debian 12: name, source package, version."""


def debian_files(
    version: str = "12",
    packages: Mapping[str, tuple[str, str]] = VULNERABLE,
    architecture: str = "amd64",
) -> dict[str, str]:
    """Return the text of each file of a Debian system with these packages, by path."""
    return {
        "etc/os-release": f'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="{version}"\n',
        "etc/debian_version": f"{version}.1\n",
        "var/lib/dpkg/status": "\n".join(
            _PACKAGE.format(name=name, source=source, version=number, architecture=architecture)
            for name, (source, number) in packages.items()
        ),
    }


def python_files(name: str = "Jinja2", version: str = "3.1.2") -> dict[str, str]:
    """Return the text of each file of an installed Python package, by path."""
    folder = f"usr/lib/python3/dist-packages/{name}-{version}.dist-info"
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "License: BSD-3-Clause\n",
    }
