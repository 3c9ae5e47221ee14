"""How builds grow: with images, stages, files and bytes, by `keelway build` and by buildah.

Each is built with nothing kept, and once more with nothing changed. The bases are folders of the
host, so no registry takes part; buildah builds one Dockerfile after the other, with its layers
kept, and the isolation that the shell script of the release has.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict, dataclass, field
from platform import machine as machine_name
from typing import TYPE_CHECKING, Any, Final

from bench import machine, watch
from bench.contenders import remove
from bench.material import ARCHITECTURES, MIB, write_large, write_rootfs, write_small
from bench.scratch import BIN, environment
from bench.watch import size_on_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

KEELWAY, BUILDAH = "keelway", "buildah"
FIRST, AGAIN = "first", "again"
TIMES_ON_DISK = 5
"""How often the bytes of an image are on the disk at once: sources, and two stores."""
ONCE_FROM_S = 10.0
"""What takes longer than this the first time is measured once."""
SCRIPT: Final = """\
set -eu
for context in {contexts}; do
  buildah --root "$1/storage" --runroot "$1/run" --storage-driver overlay \
    build --quiet --layers --isolation chroot --tag "built:$(basename "$context")" "$context"
done
"""
RUNS: Final = """\
FROM scratch{name}
COPY rootfs /
COPY text /text
RUN cat /text /text >/twice
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Something that there can be more or less of."""

    name: str
    title: str
    unit: str
    write: Callable[[Path, Path, int], None]
    """Write a folder of contexts for a size; gets a root file system too."""


@dataclass(slots=True)
class Growth:
    """All builds of a run."""

    kinds: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)
    """One for each kind, size, phase and builder."""
    others: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def write_images(folder: Path, rootfs: Path, count: int) -> None:
    """Write images that have nothing in common but their root."""
    for number in range(count):
        context = folder / f"image-{number}"
        shutil.copytree(rootfs, context / "rootfs", symlinks=True)
        (context / "text").write_text(f"image {number} of {folder}\n")
        (context / "Dockerfile").write_text(RUNS.format(name=""))


def write_stages(folder: Path, rootfs: Path, count: int) -> None:
    """Write one image of stages that need nothing of each other, and one that takes from all."""
    context = folder / "stages"
    shutil.copytree(rootfs, context / "rootfs", symlinks=True)
    (context / "text").write_text(f"stages of {folder}\n")
    stages = [
        f"{RUNS.format(name=f' AS stage-{number}')}RUN echo {number} >/number\n"
        for number in range(count - 1)
    ]
    taken = [f"COPY --from=stage-{number} /number /from/{number}\n" for number in range(count - 1)]
    last = RUNS.format(name="") + "".join(taken)
    (context / "Dockerfile").write_text("".join([*stages, last]))


def write_files(folder: Path, rootfs: Path, count: int) -> None:
    """Write an image of many files of 2 KiB."""
    del rootfs
    write_small(folder / "files/data", count)
    (folder / "files/Dockerfile").write_text("FROM scratch\nCOPY data /data\n")


def write_bytes(folder: Path, rootfs: Path, size: int) -> None:
    """Write an image of so many MiB, in files of 10."""
    del rootfs
    write_large(folder / "bytes/data", max(1, size // 10), min(size, 10) * MIB)
    (folder / "bytes/Dockerfile").write_text("FROM scratch\nCOPY data /data\n")


KINDS: Final = (
    Kind(name="images", title="images of a repository", unit="", write=write_images),
    Kind(name="stages", title="stages of an image", unit="", write=write_stages),
    Kind(name="files", title="files of an image", unit="", write=write_files),
    Kind(name="bytes", title="size of an image", unit="MiB", write=write_bytes),
)
SIZES: Final = {
    "images": (1, 10, 100),
    "stages": (1, 8, 64),
    "files": (10, 1000, 50_000),
    "bytes": (10, 200, 4000),
}
FEW: Final = {"files": (10,)}
"""What takes seconds, to see whether the measurement works."""


def measure(scratch: Path, repeat: int, sizes: Mapping[str, Sequence[int]] = SIZES) -> Growth:
    """Return what all builds of these sizes took."""
    rootfs = write_rootfs(scratch / "material")
    found = Growth()
    for kind in KINDS:
        if kind.name not in sizes:
            continue
        found.kinds.append({"name": kind.name, "title": kind.title, "unit": kind.unit})
        for size in sizes[kind.name]:
            _rounds(found, kind, size, Rooms(scratch=scratch, rootfs=rootfs, repeat=repeat))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Where contexts and stores are written, and how often."""

    scratch: Path
    rootfs: Path
    repeat: int


def _rounds(found: Growth, kind: Kind, size: int, rooms: Rooms) -> None:
    """Build one size by turns, as often as it is quick enough."""
    taken: dict[tuple[str, str], list[dict[str, Any]]] = {}
    free, needed = shutil.disk_usage(rooms.scratch).free, TIMES_ON_DISK * size * MIB
    if kind.unit == "MiB" and free < needed:
        found.failures.append(f"{size} MiB {kind.title}: needs {needed / 1e9:.0f} GB of free disk")
        return
    for number in range(rooms.repeat):
        folder = rooms.scratch / f"{kind.name}-{size}-{number}"
        project = folder / "project"
        project.mkdir(parents=True)
        kind.write(project, rooms.rootfs, size)
        contexts = sorted(file.parent.name for file in project.glob("*/Dockerfile"))
        (project / "keelway.toml").write_text(_config(contexts))
        turn = [KEELWAY, BUILDAH][:: 1 if number % 2 == 0 else -1]
        for phase in (FIRST, AGAIN):
            for who in tuple(turn):
                found.others.append(round(machine.taken_by_others(0.2), 3))
                try:
                    one = _build(who, project, folder / who, contexts)
                except RuntimeError as error:
                    told = str(error).replace(str(rooms.scratch), "…")
                    found.failures.append(f"{who}, {size} {kind.title}: {told}")
                    turn.remove(who)  # what would follow is none of its figures
                    continue
                taken.setdefault((who, phase), []).append(one)
        remove(folder)
        if (
            max((one["seconds"] for many in taken.values() for one in many), default=0)
            > ONCE_FROM_S
        ):
            break
    for (who, phase), rounds in taken.items():
        told = {"kind": kind.name, "size": size, "phase": phase, "who": who, "rounds": rounds}
        found.points.append(told)
        seconds = ", ".join(f"{one['seconds']:.2f}" for one in rounds)
        print(f"{size} {kind.unit} {kind.title}, {phase}: {who} {seconds} s", file=sys.stderr)


def _build(who: str, project: Path, store: Path, contexts: Sequence[str]) -> dict[str, Any]:
    before = size_on_disk(store)
    if who == KEELWAY:
        words: list[str | Path] = [BIN / "keelway", "build", "--progress", "none"]
        watched = watch.run(words, project, environment(KEELWAY_STORE=str(store)))
    else:
        script = SCRIPT.format(contexts=" ".join(contexts))
        watched = watch.run(["bash", "-c", script, "bash", store], project, environment())
    told = asdict(watched)
    del told["timeline"]
    return {**told, "disk": size_on_disk(store) - before}


def _config(contexts: Sequence[str]) -> str:
    """Return a configuration without anything but builds, of this machine's platform alone."""
    platform = f'platforms = ["linux/{ARCHITECTURES[machine_name()]}"]'
    images = [f'[images.{name}]\ncontext = "{name}"\n{platform}\n' for name in contexts]
    return "\n".join(['[project]\nname = "growth"\n', "[policy]\nenabled = false\n", *images])
