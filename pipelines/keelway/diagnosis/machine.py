"""The machine itself: platforms, namespaces, disk, clock."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.diagnosis.check import Check
from keelway.facts.processor import how_it_runs
from keelway.model.platform import AMD64, ARM64, Platform, parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keelway.diagnosis.distribution import Distribution

GROUP = "machine"
USUAL = (AMD64, ARM64)
"""What most people build for."""
LEAST_BYTES = 1_000_000_000
"""With less, not even small images are built."""
LITTLE_BYTES = 10_000_000_000
MOST_SECONDS_OFF = 120
"""Certificates and tokens of other machines begin to fail beyond that."""

_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
_ALLOWED = Path("/proc/sys/kernel/unprivileged_userns_clone")
_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def check_platforms(
    wanted: Iterable[str], needed: Sequence[str], distribution: Distribution
) -> list[Check]:
    """Return how the programs of each platform run here.

    Args:
        wanted: The platforms to tell of.
        needed: Those of them that a Dockerfile runs commands for.
        distribution: How an emulator is installed.
    """
    return [
        _platform(platform, is_needed=platform in needed, distribution=distribution)
        for platform in dict.fromkeys(map(parse_platform, wanted))
    ]


def _platform(platform: Platform, *, is_needed: bool, distribution: Distribution) -> Check:
    text = how_it_runs(platform)
    return Check(
        group=GROUP,
        name=platform,
        ok=text is not None,
        text=text or "its programs do not run here: there is no emulator",
        purpose=f"RUN in images for {platform}",
        needed=is_needed,
        remedy="" if text else distribution.command("qemu"),
    )


def check_namespaces() -> Check:
    """Return whether an ordinary user may make namespaces of its own."""
    text, remedy = "the settings of the kernel let ordinary users make namespaces", ""
    if _number(_NAMESPACES) == 0:
        text, remedy = (
            f"{_NAMESPACES} is 0: none can be made",
            "sysctl -w user.max_user_namespaces=15000",
        )
    elif _number(_ALLOWED) == 0:
        text = f"{_ALLOWED} is 0: only root may make them"
        remedy = "sysctl -w kernel.unprivileged_userns_clone=1"
    elif _number(_RESTRICTED) == 1:
        text = f"{_RESTRICTED} is 1: AppArmor restricts them to programs with a profile"
        remedy = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    return Check(
        group=GROUP,
        name="namespaces",
        ok=not remedy,
        text=text,
        purpose="the local engine as an ordinary user",
        remedy=remedy and (remedy if os.geteuid() == 0 else f"sudo {remedy}"),
    )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def check_disk(store: str) -> Check:
    """Return how much room there is for what is built."""
    folder = Path(store)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1_000_000_000:.1f} GB free at {store}"
    return Check(
        group=GROUP,
        name="disk",
        ok=free >= LITTLE_BYTES,
        text=text,
        purpose="everything that is built",
        needed=free < LEAST_BYTES,
        remedy="" if free >= LITTLE_BYTES else "keelway engine prune",
    )


def check_clock(now_s: float, told: Sequence[tuple[str, float]]) -> Check:
    """Return whether the clock is right.

    Args:
        now_s: This machine's time, in seconds since 1970.
        told: Other machines' time at that moment, each with who said it.
    """
    shown = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not told:
        text, off = f"{shown}; nobody was there to compare it with", 0.0
    else:
        who, said = told[0]
        off = now_s - said
        text = f"{shown}, {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {who}"
    is_right = abs(off) <= MOST_SECONDS_OFF
    return Check(
        group=GROUP,
        name="clock",
        ok=is_right,
        text=text,
        purpose="certificates, tokens, the age of databases",
        remedy="" if is_right else "set the clock: timedatectl set-ntp true",
    )
