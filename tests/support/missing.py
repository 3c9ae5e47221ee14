"""What a test does when this machine lacks something: it names it, and in CI it fails."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Return whether a CI runs the tests, so that a skip would hide a broken promise."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(what: str) -> NoReturn:
    """Skip the test with the name of what is missing; fail instead where `CI=true`."""
    if in_ci():
        pytest.fail(f"missing on this CI machine: {what}")
    pytest.skip(f"missing: {what}")


def root_only(why: str) -> None:
    """Skip the test for an ordinary user: the run as root has it."""
    if os.geteuid() != 0:
        pytest.skip(f"for root: {why}")


def need(program: str, *, package: str) -> str:
    """Return the path of `program`, beside this Python or on PATH, or say what brings it."""
    beside = Path(sys.executable).parent
    found = shutil.which(program, path=f"{beside}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        missing(f"the program {program} (package {package})")
    return found


def need_optional(program: str) -> str:
    """Return the path of a program that takes long to build: without it the test is skipped."""
    found = Path(sys.executable).parent / program
    if not found.exists():
        pytest.skip(f"not built: {program} (scripts/go-tools --all builds it)")
    return str(found)


def foreign_architecture() -> str:
    """Return the one of amd64 and arm64 that this machine is not."""
    return "amd64" if platform.machine() in {"aarch64", "arm64"} else "arm64"


def need_emulator() -> str:
    """Return the program that runs the foreign architecture's programs here."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[foreign_architecture()]
    return need(f"qemu-{machine}-static", package="qemu-user-static")


def given(variable: str, what: str) -> Path:
    """Return the path in a variable, of what no machine has by itself; else the test is skipped."""
    value = os.environ.get(variable, "")
    if not value:
        pytest.skip(f"{variable} names no {what}")
    return Path(value)
