"""The same inputs give the same image, wherever and whenever it is made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from dagger import Platform

from tests.support.archive import read_archive
from tests.support.engines import sdk_session
from tests.support.unprivileged import is_unprivileged

if TYPE_CHECKING:
    from pathlib import Path

    import dagger

    from tests.support.engines import Engine
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")  # stores and environments are the local engine's

TOMORROW = 4_000_000_000
"""Later than all that a test does: what was made before it must not show when that was."""
YESTERDAY = 1_500_000_000

DOCKERFILE = """\
FROM BASE AS build
WORKDIR /src
COPY . .
RUN mkdir out && cp app.txt out/ && ln out/app.txt out/hard && ln -s app.txt out/soft
RUN chmod 700 out && chown -R 5:6 out && touch -d @1000000000 out/old && rm sub/gone.txt
FROM BASE
RUN rm -r /home/app && mkdir -p /home/app/x && date > /now && rm /now
COPY --from=build --chown=app /src /srv
COPY --link sub /linked/
ADD app.txt <<E /added/
text
E
COPY --parents --chmod=u=rwX,go=rX sub/deep /parents/
ENV LABELLED=yes
LABEL z=1 a=2
"""
NAMES = ["Dockerfile", "app.txt", "sub/gone.txt", "sub/a.txt", "sub/deep/b.txt", "run.sh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrounding:
    """What must not show in an image."""

    umask: int
    hostname: str
    variables: tuple[tuple[str, str], ...]


HERE = Surrounding(umask=0o022, hostname="here", variables=(("TZ", "UTC"), ("LC_ALL", "C")))
ELSEWHERE = Surrounding(
    umask=0o077,
    hostname="elsewhere",
    variables=(("TZ", "Pacific/Kiritimati"), ("LC_ALL", "C.UTF-8"), ("HOME", "/nonexistent")),
)


def write_context(folder: Path, base: str, *, names: list[str], seconds: int | None) -> Path:
    """Write the build context, files in this order, all of them with this time."""
    texts = {
        "Dockerfile": DOCKERFILE.replace("BASE", base),
        "app.txt": "app",
        "sub/gone.txt": "gone",
        "sub/a.txt": "a",
        "sub/deep/b.txt": "b",
        "run.sh": "#!/bin/sh\n",
    }
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[name])
        path.chmod(0o755 if name.endswith(".sh") else 0o644)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
        if seconds is not None:
            os.utime(path, (seconds, seconds))
    return folder


def somewhere(engine: Engine, work: Path, *, epoch: int | None, how: Surrounding = HERE) -> Engine:
    """Return the engine with a store of its own, started in these surroundings."""
    work.mkdir(parents=True, exist_ok=True)
    script = work / "keelway-engine"
    named = f'unshare --uts sh -c \'hostname {how.hostname} && exec "$0" "$@"\''
    if os.geteuid() != 0 or is_unprivileged():
        named = ""  # only root who may make namespaces can name a machine
    script.write_text(f'#!/bin/sh\numask {how.umask:03o}\nexec {named} "{engine.program}" "$@"\n')
    script.chmod(0o755)
    variables = {"KEELWAY_STORE": str(work / "store"), **dict(how.variables)}
    if epoch is not None:
        variables["SOURCE_DATE_EPOCH"] = str(epoch)
    return replace(engine.with_environment(**variables), program=script)


def image(client: dagger.Client, context: Path) -> dagger.Container:
    """Build a Dockerfile and go on from it by steps of the API."""
    source = client.host().directory(str(context))
    return (
        source.docker_build()
        .with_directory("/host", source.directory("sub"))
        .with_file("/file", client.host().file(str(context / "app.txt")))
        .with_new_file("/new/file", "new")
        .with_exec(["sh", "-c", "cp -r /host /copied; echo $$ > /pid; rm /pid"])
        .with_annotation("note", "noted")
    )


async def index_digest(engine: Engine, context: Path, base: str, address: str) -> str:
    """Publish for two platforms, in a session of its own, and return the index's digest."""
    async with sdk_session(engine) as client:
        other = (
            client.container(platform=Platform("linux/arm64"))
            .from_(base)
            .with_directory("/host", client.host().directory(str(context)))
        )
        variants = [image(client, context), other]
        reference = await client.container().publish(address, platform_variants=variants)
    return reference.rpartition("@")[2]


@pytest.fixture
def address(registry: Registry, nonce: str) -> str:
    """A repository that nothing was pushed to yet, with a tag."""
    return f"{registry.address}/deterministic/{nonce[:12]}:1"


async def test_index_is_the_same_on_another_machine(
    engine: Engine, samples: SampleImages, tmp_path: Path, address: str
) -> None:
    found: list[str] = []
    for how, names, seconds, place in (
        (HERE, NAMES, None, "here"),
        (ELSEWHERE, NAMES[::-1], 1_000_000_000, "a longer path/to it"),
    ):
        work = tmp_path / place
        context = write_context(work / "context", samples.busybox, names=names, seconds=seconds)
        machine = somewhere(engine, work, epoch=YESTERDAY, how=how)
        found.append(await index_digest(machine, context, samples.busybox, address))
    assert found[0] == found[1]


async def test_store_that_has_older_steps_gives_the_same_image(
    engine: Engine, samples: SampleImages, tmp_path: Path, address: str
) -> None:
    context = write_context(tmp_path / "context", samples.busybox, names=NAMES, seconds=None)
    used = somewhere(engine, tmp_path / "used", epoch=YESTERDAY)
    before = await index_digest(used, context, samples.busybox, address)
    used = somewhere(engine, tmp_path / "used", epoch=TOMORROW)
    fresh = somewhere(engine, tmp_path / "fresh", epoch=TOMORROW)
    shutil.copytree(context, tmp_path / "checkout")  # whose folders have other times
    again = await index_digest(used, context, samples.busybox, address)
    first = await index_digest(fresh, tmp_path / "checkout", samples.busybox, address)
    assert again == first
    assert again != before


async def test_history_is_what_was_written_whoever_made_the_layers(
    engine: Engine, samples: SampleImages, tmp_path: Path
) -> None:
    histories: list[list[str]] = []
    async with sdk_session(somewhere(engine, tmp_path, epoch=YESTERDAY)) as client:
        for number, copied in enumerate(("COPY ./a /d/", "COPY a /d/")):
            first = f"FROM {samples.busybox}"
            lines = [first, "RUN echo 1 > /f", copied, "RUN --network=none echo 2 > /g"]
            context = client.directory().with_new_file("a", "a")
            context = context.with_new_file("Dockerfile", "\n".join(lines) + "\n")
            target = tmp_path / f"{number}.tar"
            await context.docker_build().export(str(target))
            archive = read_archive(target)
            config = archive.config(archive.manifests()[0])
            layers = [one for one in config["history"] if not one.get("empty_layer")]
            histories.append([one["created_by"] for one in layers[-3:]])
    assert histories == [
        ["RUN echo 1 > /f", "COPY ./a /d/", "RUN echo 2 > /g"],
        ["RUN echo 1 > /f", "COPY a /d/", "RUN echo 2 > /g"],
    ]


async def test_host_folder_is_one_layer_however_it_was_read(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for number in range(5):
        (folder / "sub" / f"{number}").write_text("old")
    used = somewhere(engine, tmp_path / "used", epoch=YESTERDAY)
    fresh = somewhere(engine, tmp_path / "fresh", epoch=YESTERDAY)
    for number in range(2):  # the store notes what changed, in layers of its own
        async with sdk_session(used) as client:
            _ = await client.host().directory(str(folder)).sync()
        (folder / "sub" / f"{number}").write_text(f"new {number}")
    (folder / "sub" / "4").unlink()
    manifests: list[object] = []
    for number, where in enumerate((used, fresh)):
        async with sdk_session(where) as client:
            source = client.host().directory(str(folder))
            copied = client.container().with_directory("/", source)
            root = client.container().with_rootfs(source)
            for kind, container in (("copied", copied), ("root", root)):
                target = tmp_path / f"{number}-{kind}.tar"
                await container.export(str(target))
                (manifest,) = read_archive(target).manifests()
                manifests.append(manifest)
                assert len(manifest["layers"]) == 1
    assert manifests[:2] == manifests[2:]


@pytest.mark.parametrize("epoch", [YESTERDAY, None])
async def test_tarball_export_and_registry_have_one_digest(
    engine: Engine,
    samples: SampleImages,
    tmp_path: Path,
    address: str,
    registry: Registry,
    epoch: int | None,
) -> None:
    context = write_context(tmp_path / "context", samples.busybox, names=NAMES, seconds=None)
    async with sdk_session(somewhere(engine, tmp_path, epoch=epoch)) as client:
        made = image(client, context)
        reference = await made.publish(address)
        await made.export(str(tmp_path / "export.tar"))
        await made.as_tarball().export(str(tmp_path / "tarball.tar"))
    (entry,) = read_archive(tmp_path / "export.tar").json("index.json")["manifests"]
    assert reference == f"{address}@{entry['digest']}"
    assert registry.manifest(reference)[0] == entry["digest"]
    assert (tmp_path / "export.tar").read_bytes() == (tmp_path / "tarball.tar").read_bytes()


async def test_no_time_is_later_than_the_epoch_and_old_ones_stay(
    engine: Engine, samples: SampleImages, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context", samples.busybox, names=NAMES, seconds=None)
    target = tmp_path / "image.tar"
    async with sdk_session(somewhere(engine, tmp_path / "store", epoch=YESTERDAY)) as client:
        await image(client, context).export(str(target))
    archive = read_archive(target)
    (manifest,) = archive.manifests()
    assert archive.config(manifest)["created"] == "2017-07-14T02:40:00Z"
    times: dict[str, float] = {}
    for number in range(2, len(manifest["layers"])):
        times.update(archive.layer_times(manifest, number))
    assert times.pop("srv/out/old") == 1_000_000_000
    assert {time for name, time in times.items() if ".wh." not in name} == {YESTERDAY}


@pytest.mark.parametrize("epoch", ["soon", "-1", "1.5"])
def test_epoch_that_is_none_is_told(engine: Engine, epoch: str) -> None:
    environment = {**os.environ, **engine.environment, "SOURCE_DATE_EPOCH": epoch}
    done = subprocess.run(
        [str(engine.program), "session"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert json.dumps(epoch)[1:-1].encode() in done.stderr
