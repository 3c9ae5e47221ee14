"""The engine's own program, asked to write a cache or to take one: the boundary is a process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from keelway._engines import Program, choose_engine
from keelway.caches.layout import STAGE
from keelway.errors import StageError
from keelway.model.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.caches.spec import CacheSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """What the engine tells."""

    results: int
    size: int
    """Bytes of all blobs."""
    moved: int
    """Bytes of those that were not there before."""
    refused: tuple[str, ...]


async def export_to(folder: Path, spec: CacheSpec) -> Travelled:
    """Have the engine write what this project used.

    Raises:
        StageError: It can't.
    """
    named = [word for volume in spec.volumes for word in ("--volume", volume)]
    words = ["export", str(folder), "--used-within", spec.used_within]
    return _travelled(await _ask([*words, "--pipeline", spec.pipeline, *named]))


async def import_from(folder: Path, spec: CacheSpec, *, digest: str) -> Travelled:
    """Have the engine take a cache over.

    Raises:
        StageError: It can't.
    """
    words = ["import", str(folder), "--digest", digest, "--pipeline", spec.pipeline]
    return _travelled(await _ask(words))


async def missing_of(folder: Path) -> frozenset[str]:
    """Return the digests that a folder's lists name and the engine lacks.

    Raises:
        StageError: It can't tell.
    """
    return frozenset(await _ask(["import", str(folder), "--missing"]))


def _travelled(told: dict[str, Any]) -> Travelled:
    return Travelled(
        results=told["results"],
        size=told["size"],
        moved=told["moved"],
        refused=tuple(told["refused"]),
    )


async def _ask(words: Sequence[str]) -> Any:
    engine = choose_engine(EngineChoice.LOCAL, {})
    if not isinstance(engine, Program):
        raise StageError("there is no local engine here", stage=STAGE)
    command = [*engine.command, "cache", *words, "--json"]
    done = await anyio.run_process(command, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().removeprefix("keelway-engine: ")
        raise StageError(
            said.splitlines()[-1] if said else "the engine did not move its cache", stage=STAGE
        )
    return json.loads(done.stdout)
