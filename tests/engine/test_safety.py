"""What comes from outside stays inside: links, archives and blobs that lie."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.archive import read_archive
from tests.support.contexts import context
from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.shell import listing, output, settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.sample_images import SampleImages


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the host that nothing may write to."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("of the host")
    return folder


def image_archive(folder: Path, layers: Sequence[bytes]) -> Path:
    """Write an image of these layers as an OCI archive."""
    images = [PlatformImage(architecture=name, layers=layers) for name in ("amd64", "arm64")]
    write_layout(folder / "layout", images, tag="evil")
    target = folder / "evil.tar"
    with tarfile.open(target, "w") as tar:
        for name in listing(folder / "layout"):
            tar.add(folder / "layout" / name, arcname=name, recursive=False)
    return target


async def evaluate(dag: dagger.Client, archive: Path) -> list[str]:
    """Import an archive and list its files; a refusal is as good as an empty image."""
    try:
        return await dag.container().import_(dag.host().file(str(archive))).rootfs().glob("**/*")
    except dagger.QueryError:
        return []


@pytest.mark.parametrize("name", ["../../../../../../{0}/evil", "/{0}/evil", "a/../../{0}/evil"])
async def test_layer_cannot_write_outside_by_its_names(
    dag: dagger.Client, tmp_path: Path, outside: Path, name: str
) -> None:
    path = name.format(str(outside).lstrip("/"))
    await evaluate(dag, image_archive(tmp_path, [tar_layer([Entry(path=path, data=b"evil")])]))
    assert listing(outside) == ["secret"]


@pytest.mark.parametrize("together", [True, False])
async def test_layer_cannot_write_through_its_links(
    dag: dagger.Client, tmp_path: Path, outside: Path, *, together: bool
) -> None:
    link = Entry(path="door", link=str(outside))
    evil = Entry(path="door/evil", data=b"evil", mode=0o644)
    layers = [tar_layer([link, evil])] if together else [tar_layer([link]), tar_layer([evil])]
    await evaluate(dag, image_archive(tmp_path, layers))
    assert listing(outside) == ["secret"]


async def test_whiteout_cannot_remove_outside(
    dag: dagger.Client, tmp_path: Path, outside: Path
) -> None:
    link = Entry(path="door", link=str(outside))
    gone = Entry(path="door/.wh.secret", data=b"")
    everything = Entry(path="../../.wh...", data=b"")
    await evaluate(dag, image_archive(tmp_path, [tar_layer([link]), tar_layer([gone, everything])]))
    assert listing(outside) == ["secret"]


async def test_hard_link_in_a_layer_cannot_reach_outside(
    dag: dagger.Client, tmp_path: Path, outside: Path
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("stolen")
        info.type, info.linkname = tarfile.LNKTYPE, f"../../../../../../..{outside}/secret"
        tar.addfile(info)
    imported = dag.container().import_(
        dag.host().file(str(image_archive(tmp_path, [buffer.getvalue()])))
    )
    with pytest.raises(dagger.QueryError):
        await imported.file("/stolen").contents()
    assert (outside / "secret").stat().st_nlink == 1


async def test_archive_added_by_a_dockerfile_cannot_write_outside(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path, outside: Path
) -> None:
    evil = tar_layer(
        [
            Entry(path="door", link=str(outside)),
            Entry(path="door/evil", data=b"evil", mode=0o644),
        ]
    )
    (tmp_path / "x.tar").write_bytes(evil)
    source = context(dag, "FROM BASE\nADD x.tar /\n", base=samples.busybox)
    source = source.with_file("x.tar", dag.host().file(str(tmp_path / "x.tar")))
    with contextlib.suppress(dagger.QueryError):
        await settle(source.docker_build())
    assert listing(outside) == ["secret"]


@pytest.mark.parametrize("link", ["{0}", "../../../../../../../..{0}"])
async def test_links_of_a_container_never_lead_to_the_host(
    dag: dagger.Client, base: dagger.Container, outside: Path, link: str
) -> None:
    ready = base.with_symlink(link.format(outside), "/door")
    with pytest.raises(dagger.QueryError):
        await ready.file("/door/secret").contents()
    assert await ready.exists("/door/secret") is False
    for step in (
        ready.with_new_file("/door/evil", "evil"),
        ready.with_directory("/door", dag.directory().with_new_file("evil", "evil")),
        ready.with_file("/door/evil", dag.file("evil", "evil")),
        ready.with_mounted_file("/door/evil", dag.file("evil", "e")).with_exec(["true"]),
        ready.with_exec(["echo", "evil"], redirect_stdout="/door/evil"),
        ready.without_directory("/door/secret"),
        ready.with_workdir("/door/made").with_exec(["true"]),
    ):
        try:
            await settle(step)
        except dagger.QueryError:
            continue
    assert listing(outside) == ["secret"]


async def test_account_files_that_are_links_are_read_inside(
    base: dagger.Container, tmp_path: Path
) -> None:
    (tmp_path / "passwd").write_text("hostuser:x:7777:7777::/:/bin/sh\n")
    ready = base.without_file("/etc/passwd").with_symlink(f"{tmp_path}/passwd", "/etc/passwd")
    with pytest.raises(dagger.QueryError):
        await settle(ready.with_user("hostuser").with_exec(["true"]))


async def test_links_of_a_directory_never_lead_to_the_host(
    dag: dagger.Client, outside: Path
) -> None:
    tree = dag.directory().with_symlink(str(outside), "door").with_symlink("/etc", "etc")
    for read in (tree.file("door/secret").contents, tree.directory("etc").entries):
        with pytest.raises(dagger.QueryError):
            await read()
    with pytest.raises(dagger.QueryError):
        await dag.host().directory(str(outside)).file("../outside/../../etc/passwd").contents()


async def test_host_links_are_not_followed_out_of_a_host_directory(
    dag: dagger.Client, tmp_path: Path, outside: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "door").symlink_to(outside)
    read = dag.host().directory(str(tree))
    assert await read.glob("**/*") == ["door"]
    with pytest.raises(dagger.QueryError):
        await read.file("door/secret").contents()


async def test_export_replaces_links_instead_of_writing_through_those_of_the_tree(
    dag: dagger.Client, tmp_path: Path, outside: Path
) -> None:
    target = tmp_path / "target"
    await dag.directory().with_symlink(str(outside), "door").export(str(target))
    await dag.directory().with_new_file("door/evil", "evil").export(str(target))
    assert listing(outside) == ["secret"]


async def test_blob_that_is_not_what_its_digest_says_is_refused(
    dag: dagger.Client, tmp_path: Path, nonce: str
) -> None:
    layer = tar_layer([Entry(path="mark", data=nonce.encode() * 1000, mode=0o644)])
    good = image_archive(tmp_path, [layer])
    archive = read_archive(good)
    manifest = archive.manifests()[0]
    name = f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}"
    data = bytearray(archive.members[name])
    data[len(data) // 2] ^= 0xFF
    bad = tmp_path / "bad.tar"
    write_members(bad, {**archive.members, name: bytes(data)})
    with pytest.raises(dagger.QueryError):
        await settle(dag.container().import_(dag.host().file(str(bad))).file("/mark"))
    again = dag.container().import_(dag.host().file(str(good)))
    assert await again.file("/mark").contents() == nonce * 1000


def write_members(path: Path, members: dict[str, bytes]) -> None:
    """Write an archive of these members."""
    assert json.loads(members["index.json"])
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


async def test_container_cannot_see_the_hosts_files_or_store(
    base: dagger.Container, outside: Path
) -> None:
    said = await output(base, f"ls {outside} 2>/dev/null; ls /proc/1/root/ | tr '\\n' ' '")
    assert "secret" not in said
    mounts = await output(base, "cut -d' ' -f2 /proc/mounts")
    assert not [one for one in mounts.split() if "overlay" in one or "store" in one]
