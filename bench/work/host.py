"""Folders of the host: many small files, and few large ones."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from bench.lab import clock, nonce
from bench.material import MIB, write_large, write_small
from bench.rows import Row, Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.lab import Lab

FILES = 10_000
LARGE, LARGE_SIZE = 40, 10 * MIB


async def small_files(lab: Lab) -> Mapping[str, float]:
    """Read a folder for the first time, unchanged, and with one file changed."""
    folder = lab.folder / "small"
    write_small(folder, FILES)
    first = await read(lab, folder)
    unchanged = await read(lab, folder)
    (folder / "d0/f0").write_bytes(os.urandom(2048))
    changed = await read(lab, folder)
    shutil.rmtree(folder)
    return {"host-first": first, "host-unchanged": unchanged, "host-changed": changed}


async def read(lab: Lab, folder: Path) -> float:
    """Return the seconds until a new session has a folder of the host."""
    async with lab.session() as (client, _):
        with clock() as taken:
            await client.host().directory(str(folder)).sync()
    return taken.seconds


async def large_files(lab: Lab) -> Mapping[str, float]:
    """Take 400 MB into a command, out to the host, and into a tarball."""
    folder, out = lab.folder / "large", lab.folder / "out"
    write_large(folder, LARGE, LARGE_SIZE)
    async with lab.session() as (client, base):
        data = client.host().directory(str(folder))
        done = base.with_directory("/data", data).with_exec(["true", nonce()])
        with clock() as into:
            await done.sync()
        with clock() as exported:
            await done.directory("/data").export(str(out))
        with clock() as packed:
            await done.as_tarball().sync()
    for used in (folder, out):
        shutil.rmtree(used)
    return {
        "large-exec": into.seconds,
        "large-export": exported.seconds,
        "large-tarball": packed.seconds,
    }


SMALL_FILES = Work(
    measure=small_files,
    rows=(
        Row(
            name="host-first",
            title="host folder of 10,000 files: first",
            dagger=(0.71, 0.79),
            share=0.5,
        ),
        Row(name="host-unchanged", title="  unchanged", dagger=(0.14, 0.14), share=0.4),
        Row(name="host-changed", title="  one file changed", dagger=(0.70, 0.80), share=0.2),
    ),
)
LARGE_FILES = Work(
    measure=large_files,
    rows=(
        Row(
            name="large-exec",
            title="host folder of 400 MB into an exec",
            dagger=(1.8, 3.0),
            share=0.3,
        ),
        Row(name="large-export", title="  export of it", dagger=(3.5, 3.5), share=0.3),
        Row(name="large-tarball", title="  as_tarball of it", dagger=(9.7, 9.7), share=0.5),
    ),
)
