"""The values that queries hand around: a place in a tree, a secret, a cache volume.

They are plain, frozen and comparable; their `repr` is canonical, so it serves as identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.engine.graph.ops import Sharing

if TYPE_CHECKING:
    from keelway.engine.graph.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A directory: a tree and an absolute path inside it."""

    node: Node
    path: str = "/"
    asked: str = ""
    """The path as it was asked for, which errors tell; empty where nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file: a tree and an absolute path inside it."""

    node: Node
    path: str
    asked: str = ""
    """The path as it was asked for, which errors tell; empty where nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A handle for a value that only the session knows."""

    handle: str
    identity: str
    """What counts for the cache: the name of a `setSecret`, a keyed hash of a `secret(uri)`."""
    name: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheVolume:
    """A folder that outlives the execs that use it."""

    key: str
    owner: str = ""
    sharing: Sharing = Sharing.SHARED
    source: Directory | None = None

    @property
    def identity(self) -> str:
        """Return what tells one volume from another."""
        source = None if self.source is None else (self.source.node, self.source.path)
        return repr((self.key, self.owner, self.sharing.value, source))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVariable:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label's name and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a container."""

    port: int
    protocol: str = "TCP"
    description: str | None = None
    skip_healthcheck: bool = False
    service: bool = True
    """False for one that only an image's configuration names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """A health check; durations in nanoseconds, 0 where none was given."""

    args: tuple[str, ...]
    shell: bool = False
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
