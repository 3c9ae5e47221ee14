"""The store: one directory tree that holds all the engine keeps, shared by engines.

store = Store.open(Path("/var/lib/keelway"))
work = store.new_work("exec")
...
layer = store.layers.commit(work)
store.close()
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Self

from keelway.engine.errors import EngineError
from keelway.engine.policy import OFF, default_policy, disk_size, read_policy
from keelway.engine.store.blobs import Blobs
from keelway.engine.store.cache import OperationCache
from keelway.engine.store.collector import Collector
from keelway.engine.store.database import now
from keelway.engine.store.hostfolder import HostFolders
from keelway.engine.store.images import Images
from keelway.engine.store.layers import Layers
from keelway.engine.store.prune import Freed, prune
from keelway.engine.store.recovery import open_database, recover
from keelway.engine.store.space import DiskFull, disk_error, give_up_reserve, keep_reserve
from keelway.engine.store.usage import Part, Usage
from keelway.engine.store.volumes import Volumes
from keelway.engine.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from keelway.engine.policy import Policy
    from keelway.engine.store.cachefolder import Travelled
    from keelway.engine.store.database import Database
    from keelway.engine.store.web import Web

_FORMAT = 1


class Store:
    """All that is kept on disk, and this session's own work directories."""

    def __init__(self, root: Path, workspace: Workspace, database: Database) -> None:
        """Put the parts together; use `open`."""
        self.root = root
        self._workspace = workspace
        self._database = database
        self._collector: Collector | None = None
        self._pipeline: str | None = None
        self._closed = False
        self.policy = default_policy(root)
        """The budget of the store."""
        self.blobs = Blobs(root, workspace)
        self.layers = Layers(root, workspace, database, self.blobs)
        self.cache = OperationCache(database, workspace)
        self.images = Images(self.blobs, workspace, on_damage=self.layers.lose)
        self.volumes = Volumes(root, workspace)
        self.host = HostFolders(root, workspace, database, self.layers)

    @classmethod
    def open(cls, root: Path) -> Self:
        """Open the store in a directory, which is made if it is not there.

        Work that dead sessions left is removed in the background.

        Raises:
            EngineError: The directory can't be used, or is of a later version.
        """
        root = root.absolute()
        try:
            store = cls._open(root)
        except DiskFull:
            if not give_up_reserve(root):
                raise
            store = cls._open(root)
        else:
            keep_reserve(root)
        return store

    @classmethod
    def _open(cls, root: Path) -> Self:
        workspace: Workspace | None = None
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_format(root)
            workspace = Workspace(root)
            database = open_database(root, workspace)
            store = cls(root, workspace, database)
            recover(root, workspace, database)
        except OSError as error:
            if workspace is not None:
                workspace.close()
            raise disk_error(error) or EngineError(
                f"the store {root} can't be used: {error.strerror or error}; "
                "set KEELWAY_STORE to a directory that can be written to"
            ) from error
        except EngineError:
            if workspace is not None:
                workspace.close()
            raise
        return store

    def keep_budget(self, text: str) -> None:
        """Keep the store under its budget from now on, in the background, unless told `off`.

        `text` is what `KEELWAY_ENGINE_GC` says; without any it is a part of the disk.

        Raises:
            EngineError: The text means no budget.
        """
        if text == OFF:
            return
        self.policy = read_policy(text, disk=disk_size(self.root)) or self.policy
        self._collector = Collector(self.root, self._workspace, self._database, self.policy)

    def work_for(self, pipeline: str) -> None:
        """Note from now on what this session uses as used by a pipeline: that is what travels."""
        self._pipeline = pipeline

    def close(self) -> None:
        """End the session; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with suppress(EngineError):  # a disk that is full now: only what goes first is less clear
            self._note_uses()
        if self._collector is not None:
            self._workspace.let_go()
            self._collector.close()
        self._database.close()
        self._workspace.close()

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    @cached_property
    def web(self) -> Web:
        """What fetches by HTTP."""
        from keelway.engine.store.web import Web  # noqa: PLC0415 - 50 ms that few sessions need

        return Web(self.blobs, self.cache)

    def du(self) -> list[Part]:
        """Return all parts of the store with their sizes, least recently used first."""
        self._note_uses()
        with self._workspace.collecting() as pins:
            usage = Usage(self.root, self._database, pins)
        usage.measure()
        return sorted(usage.parts.values(), key=lambda part: part.used)

    def prune(self, policy: Policy | None = None, *, only_look: bool = False) -> Freed:
        """Remove what has not been used for longest; nothing that a live session has used.

        Without a policy the store's own budget holds. With `only_look` nothing is removed.
        """
        self._note_uses()
        chosen = self.policy if policy is None else policy
        return prune(self.root, self._workspace, self._database, chosen, only_look=only_look)

    def export_cache(
        self, folder: Path, *, since: int, pipeline: str | None = None, volumes: Sequence[str] = ()
    ) -> Travelled:
        """Write what was used since then into a folder, from which other stores take it.

        Args:
            folder: A cache that was written before, or an empty or missing folder.
            since: Nanoseconds since 1970.
            pipeline: Whose uses count; those of all where it is absent.
            volumes: Cache volumes that go along, by name.

        Raises:
            EngineError: The folder has something else, or cannot be written.
        """
        from keelway.engine.store.export import Exporter  # noqa: PLC0415 - for one command

        self._note_uses()
        exporter = Exporter(self._database, self.layers, self.blobs, self.volumes)
        return exporter.export(folder, since=since, pipeline=pipeline, volumes=volumes)

    def import_cache(
        self, folder: Path, *, digest: str | None = None, pipeline: str = ""
    ) -> Travelled:
        """Take over what a folder has and this store has not; layers are unpacked when needed.

        Args:
            folder: What another store has written.
            digest: The only manifest that is believed; any where it is absent.
            pipeline: Who uses it from now on, as far as it was used.

        Raises:
            EngineError: It is no cache, or another one than was meant.
        """
        from keelway.engine.store.importing import Importer  # noqa: PLC0415 - for one command

        importer = Importer(self._database, self.blobs, self.volumes)
        return importer.take(folder, digest=digest, pipeline=pipeline)

    def missing_of_cache(self, folder: Path) -> list[str]:
        """Return the digests of the blobs that a cache has and this store has not.

        Raises:
            EngineError: It is no cache.
        """
        from keelway.engine.store.importing import missing_blobs  # noqa: PLC0415 - likewise

        return missing_blobs(self.blobs, folder)

    def _note_uses(self) -> None:
        """Write down when the things that this session uses were last used."""
        time = now()
        names = self._workspace.newly_pinned()
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO used VALUES (?, ?)", [(name, time) for name in names]
            )
            if self._pipeline is not None:
                connection.executemany(
                    "INSERT OR REPLACE INTO uses VALUES (?, ?, ?)",
                    [(self._pipeline, name, time) for name in names],
                )

    def new_work(self, kind: str) -> Path:
        """Return a fresh empty directory on the layers' file system."""
        return self._workspace.new_work(kind)

    def discard(self, work: Path) -> None:
        """Take a work directory away now and delete it in the background. Never fails."""
        self._workspace.discard(work)


def _check_format(root: Path) -> None:
    path = root / "format"
    if not path.exists():
        new = root / f".format-{os.getpid()}"
        new.write_text(json.dumps({"format": _FORMAT}) + "\n", encoding="utf-8")
        new.rename(path)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError):
        found = None
    if found != _FORMAT:
        raise EngineError(
            f"the store {root} has the format {found}, this engine knows {_FORMAT}: "
            "set KEELWAY_STORE to another directory, or delete this one"
        )
