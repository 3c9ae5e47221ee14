"""Moving what the store holds to and from a folder, from inside the sandbox as all housekeeping."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from keelway.engine.run.isolation import enter
from keelway.engine.sizes import parse_age, show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox
    from keelway.engine.settings import Settings
    from keelway.engine.store.cachefolder import Travelled
    from keelway.engine.store.store import Store

_NANO = 1_000_000_000


def export_cache(
    settings: Settings,
    folder: Path,
    *,
    used_within: str,
    pipeline: str | None = None,
    volumes: Sequence[str] = (),
    as_json: bool = False,
) -> int:
    """Write the part of the store that was used lately into a folder; return the exit code.

    Args:
        settings: Where the store is.
        folder: Where the cache goes, as another store takes it.
        used_within: How long ago its parts may have been used: `30m`, `12h`, `7d`.
        pipeline: Whose uses count; those of all where it is absent.
        volumes: Cache volumes that go along, by name.
        as_json: Whether it is told as data.
    """
    since = time.time_ns() - parse_age(used_within) * _NANO
    folder = folder.absolute()

    def work(store: Store) -> None:
        done = store.export_cache(folder, since=since, pipeline=pipeline, volumes=volumes)
        _tell("exported", done, folder, as_json=as_json)

    return _with_store(settings, work)


def import_cache(
    settings: Settings,
    folder: Path,
    *,
    digest: str | None = None,
    pipeline: str = "",
    as_json: bool = False,
) -> int:
    """Take over a cache from a folder; return the exit code.

    Args:
        settings: Where the store is.
        folder: What another store has written.
        digest: The only manifest that is believed; any where it is absent.
        pipeline: Who uses it from now on.
        as_json: Whether it is told as data.
    """
    folder = folder.absolute()

    def work(store: Store) -> None:
        done = store.import_cache(folder, digest=digest, pipeline=pipeline)
        _tell("imported", done, folder, as_json=as_json)

    return _with_store(settings, work)


def tell_missing(settings: Settings, folder: Path, *, as_json: bool = False) -> int:
    """Tell the digests of what a cache has and the store has not; return the exit code."""
    folder = folder.absolute()

    def work(store: Store) -> None:
        missing = store.missing_of_cache(folder)
        lines = "".join(f"{digest}\n" for digest in missing)
        sys.stdout.write(json.dumps(missing) + "\n" if as_json else lines)

    return _with_store(settings, work)


def _with_store(settings: Settings, work: Callable[[Store], None]) -> int:
    def child(_sandbox: Sandbox) -> int:
        from keelway.engine.store.store import Store  # noqa: PLC0415 - inside the sandbox

        with Store.open(settings.store) as store:
            work(store)
        return 0

    settings.check_store()
    return enter(settings.isolation, child)


def _tell(verb: str, done: Travelled, folder: Path, *, as_json: bool) -> None:
    for line in done.refused:
        sys.stderr.write(f"keelway-engine: refused, and made again: {line}\n")
    if as_json:
        sys.stdout.write(json.dumps({"folder": str(folder), **asdict(done)}, indent=2) + "\n")
        return
    parts = f"{done.blobs} {'part' if done.blobs == 1 else 'parts'}"
    sys.stdout.write(
        f"{verb} {done.results} results with {show_size(done.size)} in {parts}, "
        f"of which {show_size(done.moved)} were new: {folder}\n{done.digest}\n"
    )
