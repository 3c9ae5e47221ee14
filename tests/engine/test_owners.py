"""Owners with large numbers: kept where the engine has such ids, explained where it has not."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.contexts import context
from tests.support.engines import Kind
from tests.support.layout import Entry, PlatformImage, tar_layer, write_layout
from tests.support.shell import listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.engines import Engine
    from tests.support.sample_images import SampleImages

LARGE = 70_000_000
OWNER = f"{LARGE}:{LARGE}"
OWNED = "/owned"


@pytest.fixture
def without_root(engine: Engine) -> bool:
    """Whether the engine is an ordinary user's, who has about 65,536 ids."""
    return engine.kind is Kind.LOCAL and os.geteuid() != 0


async def check(made: dagger.Container, *, without_root: bool) -> None:
    """Check the owner of what was made, or that the engine says why it could not."""
    done = made.with_exec(["stat", "-c", "%u:%g", OWNED]).stdout()
    if not without_root:
        assert await done == f"{OWNER}\n"
        return
    with pytest.raises(dagger.QueryError) as caught:
        await done
    assert f"the user id {LARGE} is none of this engine's, which runs without root" in str(
        caught.value
    )
    assert "/etc/subuid" in str(caught.value)


def new_file(_: dagger.Client, base: dagger.Container) -> dagger.Container:
    return base.with_new_file(OWNED, "x", owner=OWNER)


def directory(dag: dagger.Client, base: dagger.Container) -> dagger.Container:
    return base.with_directory(OWNED, dag.directory(), owner=OWNER)


def mounted_file(dag: dagger.Client, base: dagger.Container) -> dagger.Container:
    return base.with_mounted_file(OWNED, dag.file("f", "x"), owner=OWNER)


def mounted_cache(dag: dagger.Client, base: dagger.Container) -> dagger.Container:
    return base.with_mounted_cache(OWNED, dag.cache_volume("large-owner"), owner=OWNER)


def mounted_secret(dag: dagger.Client, base: dagger.Container) -> dagger.Container:
    return base.with_mounted_secret(OWNED, dag.set_secret("large-owner", "x"), owner=OWNER)


@pytest.mark.parametrize("make", [new_file, directory, mounted_file, mounted_cache, mounted_secret])
async def test_owner_given(
    dag: dagger.Client,
    base: dagger.Container,
    make: Callable[[dagger.Client, dagger.Container], dagger.Container],
    *,
    without_root: bool,
) -> None:
    await check(make(dag, base), without_root=without_root)


async def test_user_of_a_command(base: dagger.Container, *, without_root: bool) -> None:
    made = base.with_user(OWNER).with_exec(["touch", "/tmp/f"])
    copied = base.with_file(OWNED, made.file("/tmp/f"))
    await check(copied, without_root=without_root)


async def test_owner_in_a_dockerfile(
    dag: dagger.Client, samples: SampleImages, *, without_root: bool
) -> None:
    text = f"FROM BASE\nCOPY --chown={OWNER} . {OWNED}\n"
    built = context(dag, text, base=samples.busybox).docker_build()
    await check(built, without_root=without_root)


async def test_owner_in_a_layer(
    dag: dagger.Client, base: dagger.Container, tmp_path: Path, *, without_root: bool
) -> None:
    archive = dag.host().file(str(image_archive(tmp_path)))
    tree = dag.container().import_(archive).rootfs()
    await check(base.with_directory("/", tree), without_root=without_root)


def image_archive(folder: Path) -> Path:
    """Write an image with a file of the large owner as an OCI archive."""
    layer = tar_layer([Entry(path=OWNED[1:], data=b"x", uid=LARGE, gid=LARGE, mode=0o644)])
    images = [PlatformImage(architecture=name, layers=[layer]) for name in ("amd64", "arm64")]
    write_layout(folder / "layout", images, tag="1")
    target = folder / "image.tar"
    with tarfile.open(target, "w") as tar:
        for name in listing(folder / "layout"):
            tar.add(folder / "layout" / name, arcname=name, recursive=False)
    return target
