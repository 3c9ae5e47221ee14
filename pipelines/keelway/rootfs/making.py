"""The packages of a base image, fetched and made into one layer a platform, side by side."""

from __future__ import annotations

import platform as machine
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from keelway._together import each
from keelway._tools.mmdebstrap import debian_architecture, mmdebstrap_argv, mmdebstrap_environment
from keelway.errors import ToolError
from keelway.model.platform import AMD64, ARM64, Platform, file_name
from keelway.rootfs.layer import Layer, make_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CLEANING_S = 20
"""So long a program of the host may take to clean up after itself."""

_MACHINES = {"x86_64": AMD64, "amd64": AMD64, "aarch64": ARM64, "arm64": ARM64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What the layers are made of."""

    name: str
    """What it is called in messages."""
    suite: str
    packages: tuple[str, ...]
    platforms: tuple[Platform, ...]
    sources: tuple[str, ...]
    """A mirror, or lines of a sources.list; the distribution's own when empty."""
    epoch: int | None
    """No file is newer, in seconds since 1970; the packages' newest file decides when absent."""
    leave_out: tuple[str, ...] = ()
    """Paths that are left out, with all below them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extracted:
    """The packages of one platform."""

    platform: Platform
    file: Path


async def make_layers(
    recipe: Recipe, work: Path, environment: Mapping[str, str], *, started: int
) -> dict[Platform, Layer]:
    """Return the layer of each platform.

    Args:
        recipe: What they are made of.
        work: An empty directory; the layers' files are left there.
        environment: The environment for mmdebstrap: search path, proxies.
        started: The time now, in seconds since 1970: what is newer came from no package.

    Raises:
        ToolError: mmdebstrap failed.
    """
    native = _MACHINES.get(machine.machine())

    async def extract(platform: Platform) -> _Extracted:
        file = work / f"{file_name(platform)}.tar"
        argv = mmdebstrap_argv(
            suite=recipe.suite,
            packages=recipe.packages,
            architecture=debian_architecture(platform),
            target=str(file),
            sources=recipe.sources,
            # Foreign trees take the bytecode over, so that no foreign Python has to be emulated.
            compile_python=native is None or platform == native,
        )
        settings = mmdebstrap_environment(environment, temporary=str(work), epoch=started)
        doing = f"making {recipe.name} ({platform})"
        await _run(argv, settings, doing, file.with_suffix(".log"))
        return _Extracted(platform=platform, file=file)

    # This machine's own platform is extracted in any case: it makes the bytecode for the others.
    own = () if native is None or native in recipe.platforms else (native,)
    trees = await each(extract, [*recipe.platforms, *own])
    donor = next((tree.file for tree in trees if tree.platform == native), None)

    async def pack(tree: _Extracted) -> Layer:
        def make() -> Layer:
            return make_layer(
                tree.file,
                tree.file.with_suffix(".layer"),
                started=started,
                epoch=recipe.epoch,
                donor=None if tree.platform == native else donor,
                leave_out=recipe.leave_out,
            )

        return await anyio.to_thread.run_sync(make)

    layers = await each(pack, trees[: len(recipe.platforms)])
    return dict(zip(recipe.platforms, layers, strict=True))


async def _run(argv: Sequence[str], environment: Mapping[str, str], doing: str, log: Path) -> None:
    """Run a program of the host; when it is no longer wanted it is asked to clean up and end."""
    async with (
        await anyio.open_file("/dev/null", "rb") as nothing,
        await anyio.open_file(log, "wb") as output,
        await anyio.open_process(
            list(argv),
            stdin=nothing.wrapped,
            stdout=output.wrapped,
            stderr=output.wrapped,
            env=environment,
        ) as process,
    ):
        try:
            code = await process.wait()
        except BaseException:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CLEANING_S):
                process.terminate()
                await process.wait()
            raise
    if code:
        text = await anyio.Path(log).read_text(encoding="utf-8", errors="replace")
        raise ToolError(
            f"{doing} failed",
            stage="base",
            command=[argv[0], *(word for word in argv[1:] if "hook=" not in word)],
            code=code,
            output=_complaints(text),
            next_step="look for a misspelt package or suite, and whether the mirror answers",
        )


def _complaints(text: str) -> str:
    """Return what apt and mmdebstrap complained of; everything when nothing is marked as such."""
    rows = text.splitlines()
    marked = [row for row in rows if row.startswith(("E: ", "W: ", "Err:"))]
    return "\n".join(marked or rows)
