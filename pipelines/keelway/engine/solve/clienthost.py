"""What a caller has as its host when it is not the engine's machine.

A command in a container has that container (`inside.py`), a client that is attached from another
machine has that machine.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keelway.engine.errors import Unsupported
from keelway.engine.run import files_inside

if TYPE_CHECKING:
    from keelway.engine.store.clientwire import ClientWire


class HostOfCaller(Protocol):
    """Files, variables and programs of a caller.

    Every method raises `EngineError` when there is no such thing, or the caller may not have it.
    """

    elsewhere: bool
    """It is another machine."""

    @property
    def env(self) -> Mapping[str, str]:
        """Return its variables."""
        ...

    def folder(self, path: str, *, fresh: bool = False) -> Path:
        """Return what the store reads as a folder of it."""
        ...

    def file(self, path: str, *, fresh: bool = False) -> Path:
        """Return what the store reads as a file of it."""
        ...

    def repository(self, path: str) -> Path:
        """Return a folder of the engine's machine with a repository of it."""
        ...

    def read(self, path: str) -> bytes:
        """Return what is in a file now."""
        ...

    def find_up(self, name: str) -> str | None:
        """Return the nearest file or folder of that name, relative to its directory."""
        ...

    def output(self, command: str) -> bytes:
        """Return what a shell command prints there."""
        ...

    def write_folder(self, source: Path, path: str, *, wipe: bool) -> str:
        """Write a folder's contents to one of it, and return its absolute path."""
        ...

    def write_file(
        self, source: Path, path: str, *, name: str, mode: int | None = None, into: bool = False
    ) -> str:
        """Write a file of this `name`, and return the absolute path asked for."""
        ...


class ClientHost:
    """The machine of an attached client; threads may share it."""

    elsewhere = True

    def __init__(self, wire: ClientWire) -> None:
        """Ask by a wire."""
        self._wire = wire
        self._env = _Variables(wire)

    @property
    def env(self) -> Mapping[str, str]:
        """Return its variables: each is asked for when it is needed, and not kept."""
        return self._env

    def path(self, path: str) -> str:
        """Return an absolute path of it, relative ones from the client's directory."""
        if posixpath.isabs(path):
            return posixpath.normpath(path)
        with self._wire.ask("path", path) as answer:
            return str(answer.value())

    def folder(self, path: str, *, fresh: bool = False) -> Path:
        """Return the path: the store asks the client for what is there."""
        del fresh
        return Path(self.path(path))

    def file(self, path: str, *, fresh: bool = False) -> Path:
        """Return the path: the store asks the client for what is there."""
        return self.folder(path, fresh=fresh)

    def repository(self, path: str) -> Path:
        """Refuse: git reads repositories of its own machine.

        Raises:
            Unsupported: Always.
        """
        raise Unsupported(
            f"the git repository {path} of your machine is not read by an engine on another one; "
            "give its URL, or its files as a directory"
        )

    def read(self, path: str) -> bytes:
        """Return what is in a file now; it is never written down here."""
        with self._wire.ask("read", path) as answer:
            return answer.data.read()

    def find_up(self, name: str) -> str | None:
        """Return the nearest file or folder of that name, relative to the client's directory."""
        with self._wire.ask("find", name) as answer:
            up = answer.value()
        return None if up is None else "../" * int(up) + name

    def output(self, command: str) -> bytes:
        """Return what a shell command prints there."""
        with self._wire.ask("run", command) as answer:
            return answer.data.read()

    def write_folder(self, source: Path, path: str, *, wipe: bool) -> str:
        """Write a folder's contents to one of it, and return its absolute path."""
        dest = self.path(path)
        with self._wire.ask(
            "write", dest, wipe, give=lambda stream: files_inside.pack(stream, source)
        ) as answer:
            answer.value()
        return dest

    def write_file(
        self, source: Path, path: str, *, name: str, mode: int | None = None, into: bool = False
    ) -> str:
        """Write a file of this `name`, and return the absolute path asked for."""
        dest = self.path(path)
        with self._wire.ask(
            "put",
            dest,
            mode,
            into,
            give=lambda stream: files_inside.pack(stream, source, name=name),
        ) as answer:
            answer.value()
        return dest


class _Variables(Mapping[str, str]):
    """The environment of a client."""

    def __init__(self, wire: ClientWire) -> None:
        self._wire = wire

    def __getitem__(self, name: str) -> str:
        with self._wire.ask("env", name) as answer:
            value = answer.value()
        if value is None:
            raise KeyError(name)
        return str(value)

    def __iter__(self) -> Iterator[str]:
        with self._wire.ask("names") as answer:
            return iter([str(name) for name in answer.value()])

    def __len__(self) -> int:
        return len(list(iter(self)))
