"""Caches moved in front of the user."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.caching import Caching
from keelway._cli.prepare import prepare
from keelway._cli.stopping import run_until_stopped
from keelway.caches.travel import elsewhere, put, put_text, take, taken_text
from keelway.errors import PlanError
from keelway.session import engine_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.caches.place import Place
    from keelway.caches.travel import Caches, Moved
    from keelway.model.engine_choice import EngineChoice
    from keelway.planning import Part

CACHES_SCHEMA = "keelway.caches/1"
_REASON = "only the cache is moved"
_PARTS: tuple[Part, ...] = ("policy", "scan", "sbom", "integration", "load", "publish")


def show_takes(
    places: Sequence[str], config: Path | None, engine: EngineChoice, *, as_json: bool
) -> None:
    """Take caches over, and print what came.

    Raises:
        KeelwayError: One cannot be read, or is not believed.
    """
    caches = _caches(Caching(sources=places, proving=True), config, engine)
    if caches is None:
        return
    if caches.spec.keyless:
        raise PlanError(f"nothing is taken: {caches.spec.read_only}")
    if not caches.spec.sources:
        raise _nowhere("take_from")
    _show([(one, run_until_stopped(partial(_take, one, caches))) for one in caches.spec.sources],
          as_json=as_json)  # fmt: skip


def show_puts(
    places: Sequence[str], config: Path | None, engine: EngineChoice, *, as_json: bool
) -> None:
    """Write caches, and print what went.

    Raises:
        KeelwayError: One cannot be written, or nothing may be written here.
    """
    caches = _caches(Caching(targets=places, proving=True), config, engine)
    if caches is None:
        return
    if caches.spec.read_only is not None:
        raise PlanError(f"nothing is put into a cache here: {caches.spec.read_only}")
    if not caches.spec.targets:
        raise _nowhere("put_to")
    _show([(one, run_until_stopped(partial(_put, one, caches))) for one in caches.spec.targets],
          as_json=as_json, putting=True)  # fmt: skip


async def _take(place: Place, caches: Caches) -> Moved | None:
    return await take(place, caches.spec, caches.find_login)


async def _put(place: Place, caches: Caches) -> Moved:
    return await put(place, caches.spec, caches.find_login)


def _caches(caching: Caching, config: Path | None, choice: EngineChoice) -> Caches | None:
    """Return what is moved; nothing where another engine does the work, which is told."""
    engine = engine_name(choice)
    if engine != "local":
        output.notice(elsewhere(engine))
        return None
    return caching.caches(prepare(config, dict.fromkeys(_PARTS, _REASON)))


def _nowhere(key: str) -> PlanError:
    return PlanError(
        "it is not said where the cache is", next_step=f"name a place, or set {key} in [cache]"
    )


def _show(
    moved: Sequence[tuple[Place, Moved | None]], *, as_json: bool, putting: bool = False
) -> None:
    if as_json:
        found: list[Any] = [
            {"place": str(place), **({} if one is None else {**asdict(one), "place": str(place)})}
            for place, one in moved
        ]
        output.result(json.dumps({"schema": CACHES_SCHEMA, "caches": found}, indent=2))
        return
    for place, one in moved:
        output.result(put_text(one) if putting and one is not None else taken_text(one, place))
