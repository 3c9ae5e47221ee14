"""Files to measure with: a root file system, and folders of many small or few large files."""

from __future__ import annotations

import os
import platform
import random
from typing import TYPE_CHECKING

from tests.support import debian

if TYPE_CHECKING:
    from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
APPLETS = "cat cp echo false head httpd ls mkdir mv rm sh sleep test touch true wget"
MIB = 1 << 20
LETTERS = b"etaoinshrdlucmfwypvbgkqjxz"
WORDS = 4000
FREQUENCIES = [1 / (number + 1) for number in range(WORDS)]


def write_rootfs(folder: Path) -> Path:
    """Write Debian's static busybox with some of its names, and return the folder."""
    architecture = ARCHITECTURES[platform.machine()]
    deb = debian.fetch("busybox-static", [architecture])[architecture]
    folder.mkdir(parents=True)
    debian.unpack(deb, folder / "package")
    root = folder / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "www"):
        (root / name).mkdir(parents=True)
    (folder / "package/bin/busybox").rename(root / "bin/busybox")
    for name in APPLETS.split():
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "www/index.html").write_text("served\n")
    return root


def write_small(folder: Path, count: int) -> None:
    """Write files of 2 KiB, 100 a folder, with contents that are nowhere else."""
    for number in range(count):
        if number % 100 == 0:
            inside = folder / f"d{number // 100}"
            inside.mkdir(parents=True)
        (inside / f"f{number}").write_bytes(os.urandom(2048))


def write_large(folder: Path, count: int, size: int) -> None:
    """Write large files of words, which compress about as well as programs do."""
    folder.mkdir(parents=True)
    letters = random.Random(1)  # noqa: S311 - no secret
    words = [bytes(letters.choices(LETTERS, k=letters.randint(2, 9))) for _ in range(WORDS)]
    for number in range(count):
        block = b" ".join(random.choices(words, FREQUENCIES, k=MIB // 8))  # noqa: S311 - likewise
        with (folder / f"f{number}").open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
            file.write(block[: size % len(block)])
