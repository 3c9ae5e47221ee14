"""Caches taken before the work, and put after it.

    async with travelling(spec, logins, observer):
        ...                                  # the work, in sessions of the engine

A cache saves time and decides nothing: where one cannot be read, believed or written, that is told,
and the work goes on as without it.
"""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway._secrets import read_own_secret
from keelway.caches import program, remote
from keelway.caches.layout import KEY_LENGTH, STAGE, Layout, believe
from keelway.caches.place import FolderPlace
from keelway.errors import KeelwayError, PlanError
from keelway.model.events import Note

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from keelway.caches.place import Place
    from keelway.caches.program import Travelled
    from keelway.caches.spec import CacheSpec
    from keelway.model.events import Observer
    from keelway.registry.logins import Login

    FindLogin = Callable[[str], Awaitable[Login | None]]

_MEGA = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A cache that was taken or put."""

    place: Place
    results: int
    """Operations that need not run again."""
    size: int
    """Bytes of all of it."""
    moved: int
    """Bytes that were not there before."""
    refused: tuple[str, ...] = ()
    """What was wrong with parts of it, which are made again."""
    signed: bool = False
    """Whether the key signed it."""


async def take(place: Place, spec: CacheSpec, find_login: FindLogin) -> Moved | None:
    """Let the local engine take a cache over.

    Args:
        place: Where it is.
        spec: Who is believed.
        find_login: Gives logins of registries.

    Returns:
        What was taken; nothing where there is none yet.

    Raises:
        KeelwayError: It cannot be read, or is not believed: nothing of it was taken.
    """
    key = await _key(spec)
    if isinstance(place, FolderPlace):
        if not (Path(place.path) / "index.json").exists():
            return None
        return await _take(Path(place.path), place, spec, key)
    login = await find_login(place.repository)
    with tempfile.TemporaryDirectory(prefix="keelway-cache-") as made:
        folder = Path(made)
        manifest = await remote.fetch_lists(place, login, folder)
        if manifest is None:
            return None
        if key is not None:
            believe(manifest, key, where=str(place))
        missing = await program.missing_of(folder)
        await remote.fetch_blobs(place, login, folder, manifest, missing)
        return await _take(folder, place, spec, key)


async def _take(folder: Path, place: Place, spec: CacheSpec, key: str | None) -> Moved:
    manifest = Layout(folder).manifest()
    if key is not None:
        believe(manifest, key, where=str(place))
    # The engine reads the folder itself: what was looked at here is named by its digest.
    done = await program.import_from(folder, spec, digest=manifest.digest)
    return _moved(place, done, moved=done.moved, signed=key is not None)


async def put(place: Place, spec: CacheSpec, find_login: FindLogin) -> Moved:
    """Let the local engine write a cache of what this project used.

    Args:
        place: Where it goes.
        spec: What goes along, and who signs.
        find_login: Gives logins of registries.

    Raises:
        KeelwayError: It cannot be written.
    """
    key = await _key(spec)
    if isinstance(place, FolderPlace):
        folder = Path(place.path)
        done = await program.export_to(folder, spec)
        if key is not None:
            Layout(folder).sign(key)
        return _moved(place, done, moved=done.moved, signed=key is not None)
    login = await find_login(place.repository)
    with tempfile.TemporaryDirectory(prefix="keelway-cache-") as made:
        folder = Path(made)
        done = await program.export_to(folder, spec)
        if key is not None:
            Layout(folder).sign(key)
        sent = await remote.send(place, login, folder)
    return _moved(place, done, moved=sent, signed=key is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """What a run does with caches, and how it logs in where they are."""

    spec: CacheSpec
    find_login: FindLogin


@asynccontextmanager
async def travelling(
    caches: Caches | None, engine: str, observer: Observer
) -> AsyncGenerator[None]:
    """Take caches before a block, and put them after it.

    They are put when the work failed too, since what was made until then is as good; but not when
    it was stopped.

    Args:
        caches: What is done; nothing where it is absent.
        engine: Which one does the work, by name: only the local one's cache travels.
        observer: Who is told.
    """
    idle = caches is None or (caches.spec.is_idle and caches.spec.read_only is None)
    if caches is None or idle or engine != "local":
        if not idle:
            _say(observer, elsewhere(engine))
        yield
        return
    await _take_all(caches, observer)
    failed: KeelwayError | None = None
    try:
        yield
    except KeelwayError as error:
        failed = error
    await _put_all(caches, observer)
    if failed is not None:
        raise failed


async def _take_all(caches: Caches, observer: Observer) -> None:
    spec = caches.spec
    if spec.keyless:
        _say(observer, f"no cache is used: {spec.read_only}")
    if spec.sources and spec.key is None:
        _say(observer, "nobody asks who wrote the caches: there is no key of [cache] here")
    for place in spec.sources:
        try:
            _say(observer, taken_text(await take(place, spec, caches.find_login), place))
        except KeelwayError as error:
            _say(observer, f"{place}: not taken: {_told(error)}")


async def _put_all(caches: Caches, observer: Observer) -> None:
    spec = caches.spec
    if spec.read_only is not None and not spec.keyless:
        _say(observer, f"nothing is put into a cache: {spec.read_only}")
    for place in spec.targets:
        try:
            _say(observer, put_text(await put(place, spec, caches.find_login)))
        except KeelwayError as error:
            _say(observer, f"{place}: not written: {_told(error)}")


def _say(observer: Observer, text: str) -> None:
    observer.on(Note(stage=STAGE, text=text))


def elsewhere(engine: str) -> str:
    """Return what is said where another engine does the work."""
    return (
        f"the engine '{engine}' keeps a cache of its own: give it a volume that outlives the job, "
        "or one engine for all jobs; --cache-from, --cache-to and [cache] are for the local engine"
    )


def taken_text(done: Moved | None, place: Place) -> str:
    """Return what became of a cache that was to be taken."""
    if done is None:
        return f"{place}: there is none yet"
    refused = "".join(f"; refused, and made again: {one}" for one in done.refused)
    return f"{place}: took {_size(done)}{refused}"


def put_text(done: Moved) -> str:
    """Return what became of a cache that was to be put."""
    return f"{done.place}: put {_size(done)}"


def _size(done: Moved) -> str:
    signed = ", signed" if done.signed else ""
    size, moved = _bytes(done.size), _bytes(done.moved)
    return f"{done.results} results, {size}, of which {moved} were new{signed}"


def _bytes(size: int) -> str:
    return f"{size / _MEGA:.1f} MB" if size >= _MEGA else f"{size / 1000:.1f} kB"


def _told(error: KeelwayError) -> str:
    return error.message if error.why is None else f"{error.message}: {error.why}"


def _moved(place: Place, done: Travelled, *, moved: int, signed: bool) -> Moved:
    return Moved(
        place=place,
        results=done.results,
        size=done.size,
        moved=moved,
        refused=done.refused,
        signed=signed,
    )


async def _key(spec: CacheSpec) -> str | None:
    if spec.key is None:
        return None
    key = (await read_own_secret(spec.key, what="the key of the cache")).strip()
    if len(key) < KEY_LENGTH:
        raise PlanError(
            f"the key of the cache has less than {KEY_LENGTH} characters",
            next_step="make one: openssl rand -hex 32",
        )
    return key
