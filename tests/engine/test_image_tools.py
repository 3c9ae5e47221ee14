"""Images of every form, as the tools that others use read them: skopeo, umoci, a registry."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING, Any

import anyio
import dagger
import pytest
from dagger import ImageLayerCompression, ImageMediaTypes

from tests.support.missing import need
from tests.support.sample_images import copy_image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="umoci as root keeps owners")

LONG = "/".join(["a-folder-with-a-long-name-" * 4] * 3) + "/file"
OCI, DOCKER = ImageMediaTypes.OCI, ImageMediaTypes.DOCKER
FORMS = [
    (None, OCI),
    (None, DOCKER),
    (ImageLayerCompression.GZIP, DOCKER),
    (ImageLayerCompression.ESTARGZ, OCI),
    (ImageLayerCompression.ZSTD, OCI),  # Docker's own types have no zstd that skopeo knows
    (ImageLayerCompression.UNCOMPRESSED, OCI),
    (ImageLayerCompression.UNCOMPRESSED, DOCKER),
]
UNPACKED = [None, ImageLayerCompression.ESTARGZ, ImageLayerCompression.UNCOMPRESSED]
"""The compressions that umoci reads."""


def odd_tar() -> bytes:
    """A tar with what few images have: names of bytes, attributes, hard links, a large owner."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, headers in {
            "odd/latin-\udce9\udcff": {},
            "odd/unicode-\u00e9\u4e2d": {},
            "odd/attribute": {"SCHILY.xattr.user.note": "kept \u00e9"},
            "odd/owner": {"uid": "3000000", "gid": "3000001"},
            f"odd/{LONG}": {},
        }.items():
            info = tarfile.TarInfo(name)
            info.size = 3
            info.pax_headers = {key: value for key, value in headers.items() if "." in key}
            info.uid, info.gid = int(headers.get("uid", 0)), int(headers.get("gid", 0))
            tar.addfile(info, io.BytesIO(b"odd"))
        link = tarfile.TarInfo("odd/hard")
        link.type, link.linkname = tarfile.LNKTYPE, "odd/owner"
        tar.addfile(link)
    return data.getvalue()


@pytest.fixture
async def odd(dag: dagger.Client, base: dagger.Container, tmp_path: Path) -> dagger.Container:
    """A container whose layers have one of everything."""
    (tmp_path / "odd.tar").write_bytes(odd_tar())
    context = (
        dag.directory()
        .with_file("odd.tar", dag.host().file(str(tmp_path / "odd.tar")))
        .with_new_file("Dockerfile", "FROM scratch\nADD odd.tar /\n")
    )
    script = (
        "mkdir -p /gone/a /again/old && touch /gone/f /again/old/f && mkfifo /pipe && "
        "ln -s /odd/owner /soft && chmod 4755 /bin/busybox"
    )
    return (
        base.with_directory("/", context.docker_build().rootfs())
        .with_exec(["sh", "-c", script])
        .with_exec(["sh", "-c", "rm -r /gone /again /etc/group && mkdir /again && touch /again/x"])
        .with_exec(["true"])
        .with_directory("/empty", dag.directory())
        .with_label("seen", "yes")
    )


async def run(*words: str) -> str:
    """Run a tool that must succeed and return what it prints."""
    done = await anyio.run_process(words, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def suffix(compression: ImageLayerCompression | None, media: ImageMediaTypes) -> str:
    """Return how the media type of a layer made here ends."""
    kind = {None: "gzip", "EStarGZ": "gzip", "Gzip": "gzip", "Zstd": "zstd"}.get(
        None if compression is None else compression.value
    )
    if kind is None:
        return "tar"
    return f"tar+{kind}" if media is OCI else f"tar.{kind}"


def check_tree(root: Path) -> None:
    """Look at what a tool has unpacked."""
    top = os.fsencode(root)
    for name in (b"latin-\xe9\xff", "unicode-\u00e9\u4e2d".encode(), LONG.encode()):
        with open(top + b"/odd/" + name, "rb") as file:  # noqa: PTH123 - a name of bytes
            assert file.read() == b"odd"
    owner, hard = (root / "odd" / name for name in ("owner", "hard"))
    assert owner.stat().st_ino == hard.stat().st_ino
    assert (owner.stat().st_uid, owner.stat().st_gid) == (3000000, 3000001)
    assert os.getxattr(root / "odd" / "attribute", "user.note").decode() == "kept \u00e9"
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)
    assert stat.S_IMODE((root / "bin" / "busybox").stat().st_mode) == 0o4755
    assert (root / "soft").readlink().as_posix() == "/odd/owner"
    assert not (root / "gone").exists()
    assert not (root / "etc" / "group").exists()
    assert [path.name for path in (root / "again").iterdir()] == ["x"]
    assert list((root / "empty").iterdir()) == []
    assert not [path for path in root.rglob("*") if path.name.startswith(".wh.")]


@pytest.mark.parametrize(("compression", "media"), FORMS)
async def test_every_form_is_read_by_skopeo_and_kept_by_a_registry(
    odd: dagger.Container,
    registry: Registry,
    tmp_path: Path,
    nonce: str,
    compression: ImageLayerCompression | None,
    media: ImageMediaTypes,
) -> None:
    need("skopeo", package="skopeo")
    options: dict[str, Any] = {"media_types": media}
    if compression is not None:
        options["forced_compression"] = compression
    address = f"{registry.address}/tools/{nonce[:12]}:1"
    await odd.publish(address, **options)
    _, manifest = registry.manifest(address)
    types = {layer["mediaType"] for layer in manifest["layers"]}
    assert {kind.endswith(suffix(compression, media)) for kind in types} == {True}
    copy_image(f"docker://{address}", f"docker://{registry.address}/tools/{nonce[:12]}:2")
    assert registry.manifest(f"{registry.address}/tools/{nonce[:12]}:2")[1] == manifest
    target = tmp_path / "image.tar"
    await odd.export(str(target), **options)
    if media is OCI:
        said = await run("skopeo", "inspect", "--config", f"oci-archive:{target}")
        assert '"seen":"yes"' in said.replace(" ", "")
    copy_image(f"oci-archive:{target}", f"docker://{registry.address}/tools/{nonce[:12]}:3")


@pytest.mark.parametrize("compression", UNPACKED)
async def test_layers_are_unpacked_by_umoci(
    odd: dagger.Container, tmp_path: Path, compression: ImageLayerCompression | None
) -> None:
    need("umoci", package="umoci")
    target, layout, bundle = tmp_path / "image.tar", tmp_path / "layout", tmp_path / "bundle"
    await odd.export(str(target), forced_compression=compression)
    await run("skopeo", "copy", "-q", f"oci-archive:{target}", f"oci:{layout}:1")
    await run("umoci", "unpack", "--image", f"{layout}:1", str(bundle))
    check_tree(bundle / "rootfs")
