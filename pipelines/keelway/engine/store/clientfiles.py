"""Files of a client on another machine, as folders of the host are read here.

The client says what a folder has in it, by the same patterns; what this store has not seen yet is
sent. So a folder that did not change costs a list of it, and nothing more.
"""

# Names are bytes here, as the kernel has them; pathlib has text only.
# ruff: noqa: PTH123, PTH211

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keelway.engine.store.hostscan import Seen

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from keelway.engine.store.clientwire import Answer, ClientWire
    from keelway.engine.store.hostscan import Found, Status, Where
    from keelway.engine.store.workspace import Workspace


class ClientFiles:
    """What a client lets an engine read."""

    def __init__(self, wire: ClientWire, workspace: Workspace) -> None:
        """Ask by a wire; what is sent is kept in a session's own folder while it is needed."""
        self._wire = wire
        self._workspace = workspace
        self._name: str | None = None

    @property
    def name(self) -> str:
        """Return what tells this client's machine from others."""
        if self._name is None:
            with self._wire.ask("who") as answer:
                self._name = str(answer.value()["machine"])
        return self._name

    def is_asked(self, path: Path) -> bool:
        """Say whether a path is the client's; copies that this session made are its own."""
        return not path.is_relative_to(self._workspace.directory)

    def folder(
        self, path: Path, *, include: Sequence[str], exclude: Sequence[str], gitignore: bool
    ) -> Seen:
        """Return what is taken of a folder.

        Raises:
            EngineError: There is none, or a part of it can't be read there.
        """
        with self._wire.ask("scan", str(path), list(include), list(exclude), gitignore) as answer:
            return self._seen(answer.value())

    def file(self, path: Path) -> Seen:
        """Return what there is to know of a file.

        Raises:
            EngineError: There is none, or it can't be read there.
        """
        with self._wire.ask("file", str(path)) as answer:
            return self._seen(answer.value())

    def _seen(self, told: dict[str, Any]) -> Seen:
        top = os.fsencode(told["top"])
        entries: list[tuple[str, Status]] = told["found"]
        found: Found = {os.fsencode(name): _status(*status) for name, status in entries}

        @contextmanager
        def brought(names: Sequence[bytes]) -> Generator[Where]:
            files = [name for name in names if not stat.S_ISDIR(found[name][0])]
            with self._brought(top, files) as places:
                yield places.__getitem__

        return Seen(found=found, started=told["started"], brought=brought)

    @contextmanager
    def _brought(self, top: bytes, names: Sequence[bytes]) -> Generator[dict[bytes, bytes]]:
        """Give the places where copies are, until the end of the block."""
        if not names:
            yield {}
            return
        work = self._workspace.new_large_work("client")
        try:
            paths = [os.fsdecode(top + name if top.endswith(b"/") else top) for name in names]
            places = {name: os.fsencode(work / str(at)) for at, name in enumerate(names)}
            with self._wire.ask("fetch", paths) as answer:
                for place in places.values():
                    _keep(answer, place)
            yield places
        finally:
            self._workspace.discard(work)


def _status(mode: int, size: int, mtime: int, ctime: int, inode: int, device: int) -> Status:
    """Return a status, of which JSON has made a list."""
    return mode, size, mtime, ctime, inode, device


def _keep(answer: Answer, place: bytes) -> None:
    """Write one entry to a place: a line says what it is, and how many bytes follow."""
    line = answer.data.readline()
    if not line.endswith(b"\n"):
        raise EOFError(line)
    kind, size = line.split()
    if kind == b"link":
        os.symlink(b"".join(answer.exactly(int(size))), place)
    elif kind == b"file":
        with open(place, "xb") as file:
            file.writelines(answer.exactly(int(size)))
