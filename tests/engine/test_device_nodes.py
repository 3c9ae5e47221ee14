"""Nodes of the host's disks and memory: no command makes one that it or another could open.

The filter of system calls refuses to make them, the unpacking of layers leaves them out, and what a
privileged command makes is not kept.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.engine.test_breakouts import REFUSED, calling, perl
from tests.engine.test_safety import image_archive
from tests.support.layout import Entry, tar_layer
from tests.support.missing import missing, root_only
from tests.support.programs import with_perl
from tests.support.shell import output, shell

if TYPE_CHECKING:
    import dagger

    from tests.support.sample_images import SampleImages


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def inside(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container with perl."""
    return await with_perl(dag, dag.container().from_(samples.busybox)).sync()


NODES = ("b 8 0", "b 254 0", "b 7 0", "c 1 1", "c 1 2", "c 1 4", "c 1 11", "c 10 229")


async def test_no_node_of_a_disk_can_be_made(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    ready = (
        base.with_mounted_cache("/cache", dag.cache_volume(nonce))
        .with_mounted_directory("/dir", dag.directory())
        .with_mounted_temp("/temp")
    )
    script = (
        "for d in / /dev /dev/shm /cache /dir /temp; do "
        + "".join(f"mknod $d/n {node} 2>/dev/null && echo made $d {node}; " for node in NODES)
        + "mkfifo $d/fifo && touch $d/file || echo not even these; done"
    )
    assert await output(ready, script) == ""


async def test_null_device_can_be_made_by_root(base: dagger.Container) -> None:
    root_only("an ordinary user's engine can't make devices at all")
    script = "mknod /null c 1 3 && echo x >/null && mknod /gone c 0 0; ls -l /null | cut -c1"
    assert await output(base, script) == "c\n"


@pytest.mark.parametrize(
    ("mode", "device"),
    [
        ("060666", "(8 << 8) | (1 << 32)"),
        ("060666 | (1 << 40)", "8 << 8"),
        ("020666", "(1 << 8) | 1 | (1 << 40)"),
        ("020666", "(1 << 8) | 3 | (1 << 12)"),
    ],
)
async def test_numbers_of_devices_cannot_be_disguised(
    inside: dagger.Container, mode: str, device: str
) -> None:
    script = calling("mknodat", "-100", '"/disguised"', mode, device)
    assert int(await perl(inside, script)) in REFUSED


# The unpacking of layers leaves out what is not harmless.


def layer_of_nodes() -> bytes:
    """Return a layer with a disk and memory."""
    buffer = io.BytesIO()
    nodes = (("disk", tarfile.BLKTYPE, 8, 0), ("mem", tarfile.CHRTYPE, 1, 1))
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, major, minor in nodes:
            info = tarfile.TarInfo(f"nodes/{name}")
            info.type, info.devmajor, info.devminor, info.mode = kind, major, minor, 0o666
            tar.addfile(info)
    return buffer.getvalue()


async def test_image_brings_no_node_of_a_disk(dag: dagger.Client, tmp_path: Path) -> None:
    mark = tar_layer([Entry(path="nodes/mark", data=b"x", mode=0o644)])
    archive = image_archive(tmp_path, [mark, layer_of_nodes()])
    image = dag.container().import_(dag.host().file(str(archive)))
    found = await image.directory("/nodes").entries()
    assert "mark" in found
    assert not {"disk", "mem"} & set(found)
    await image.rootfs().export(str(tmp_path / "out"))
    left = [one for one in (tmp_path / "out").rglob("*") if one.is_block_device()]
    assert left == []


# --- privileged commands may make them, and nobody else finds them --------------------------------


def privileged(container: dagger.Container, script: str) -> dagger.Container:
    """Return the container after a privileged shell script."""
    return container.with_exec(["sh", "-c", script], insecure_root_capabilities=True)


def disk() -> str:
    """Return the number of a disk of this machine that can be read from, as mknod takes it."""
    found = [one for one in Path("/sys/block").iterdir() if int((one / "size").read_text())]
    if not found:
        missing("a disk in /sys/block")
    return "b " + (min(found) / "dev").read_text().strip().replace(":", " ")


async def test_node_of_a_privileged_command_opens_for_nobody_else(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    ready = base.with_mounted_cache("/cache", dag.cache_volume(nonce)).with_mounted_directory(
        "/dir", dag.directory()
    )
    nodes = (disk(), "b 7 0", "c 10 229", "c 1 11")  # a loop device, fuse, the kernel's log
    making = "; ".join(f"mknod $d/{number} {node}" for number, node in enumerate(nodes))
    made = privileged(ready, f"for d in / /cache /dir; do {making}; done; true # {nonce}")
    opening = "for n in /[0-9] /cache/[0-9] /dir/[0-9]; do (: <$n) && echo opened $n; done; true"
    assert await output(made, f"({opening}) 2>/dev/null") == ""


@pytest.mark.usefixtures("local_only")
async def test_what_a_node_has_replaced_does_not_come_back(
    base: dagger.Container, nonce: str
) -> None:
    root_only("an ordinary user's engine can't make devices at all")
    ready = base.with_new_file("/etc/old", nonce)
    made = privileged(ready, f"rm /etc/old && mknod /etc/old {disk()} && ls -l /etc/old")
    assert (await made.stdout()).startswith("b")
    assert "old" not in await made.directory("/etc").entries()
    assert "old" not in await output(made, "ls /etc")
    assert (
        "old"
        not in await base.with_directory("/copy", made.directory("/etc"))
        .directory("/copy")
        .entries()
    )


async def test_null_device_of_a_privileged_command_stays(
    base: dagger.Container, nonce: str
) -> None:
    root_only("an ordinary user's engine can't make devices at all")
    made = privileged(base, f"mknod /null c 1 3; mkfifo /fifo # {nonce}")
    assert await output(made, "echo x >/null && ls -l /null /fifo | cut -c1") == "p\nc\n"


async def test_chain_goes_on_after_a_privileged_command(base: dagger.Container, nonce: str) -> None:
    made = privileged(base, f"echo {nonce} >/kept; mknod /gone {disk()}; true")
    assert await output(shell(made, "echo more >>/kept"), "cat /kept") == f"{nonce}\nmore\n"
