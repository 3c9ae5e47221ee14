"""A container as a value: a root file system to come, and everything known about it now.

Each function takes a container and returns a changed copy; nothing runs. The Dockerfile front end
and the resolvers both build on these.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import ExecSecret, Failure, Scratch

if TYPE_CHECKING:
    from keelway.engine.graph.sockets import ExecSocket
    from keelway.engine.graph.terminal import TerminalCommand
    from keelway.engine.graph.values import CacheVolume, Healthcheck, Port

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an image's configuration says of how to run it."""

    env: tuple[tuple[str, str], ...] = ()
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None
    on_build: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Something that execs see at `target` and that never reaches the image."""

    target: str
    kind: str
    """`directory`, `file`, `cache` or `temp`."""
    node: Node | None = None
    path: str = "/"
    readonly: bool = False
    cache: CacheVolume | None = None
    size: int = 0
    owner: str = ""
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """An immutable container."""

    platform: str
    """`os/arch[/variant]`."""
    platform_given: bool = False
    root: Node | None = None
    """The root file system; None for scratch."""
    config: Config = Config()
    annotations: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    secrets: tuple[ExecSecret, ...] = ()
    sockets: tuple[ExecSocket, ...] = ()
    ports: tuple[Port, ...] = ()
    services: tuple[tuple[str, Node], ...] = ()
    """Alias and definition of each service that runs while a command does."""
    exec: Node | None = None
    """The last exec, whose streams and exit code are this container's."""
    default_args_set: bool = False
    """`withDefaultArgs` was called: a service then leaves the entrypoint away."""
    volatile: tuple[tuple[str, str], ...] = ()
    terminal: TerminalCommand | None = None
    image_ref: str = ""
    history: str = ""
    """The history of the image it was made from, as JSON."""
    error: str = ""
    """Not empty: evaluating anything of this container raises it."""

    @property
    def tree(self) -> Node:
        """Return the root file system, the empty tree for scratch."""
        if self.error:
            return Node.of(Failure(message=self.error))
        return Node.of(Scratch()) if self.root is None else self.root


# --- pairs: environment, labels, annotations -------------------------------------------------


def with_pair(
    pairs: tuple[tuple[str, str], ...], name: str, value: str
) -> tuple[tuple[str, str], ...]:
    """Return the pairs with `name` set; one that is there keeps its position."""
    if any(key == name for key, _ in pairs):
        return tuple((key, value if key == name else old) for key, old in pairs)
    return (*pairs, (name, value))


def without_pair(pairs: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs without `name`."""
    return tuple(pair for pair in pairs if pair[0] != name)


def with_env(container: Container, name: str, value: str) -> Container:
    """Return the container with a variable set."""
    env = with_pair(container.config.env, name, value)
    return replace(container, config=replace(container.config, env=env), image_ref="")


# --- paths and mounts ------------------------------------------------------------------------


def absolute(container: Container, path: str) -> str:
    """Return `path` as an absolute one, taken from the working directory."""
    joined = posixpath.join("/", container.config.workdir or "/", path)
    return "/" + posixpath.normpath(joined).lstrip("/")


def is_within(path: str, target: str) -> bool:
    """Tell whether an absolute path is a mount's target, or lies below it."""
    return target in {path, "/"} or path.startswith(target + "/")


def with_mount(container: Container, mount: Mount) -> Container:
    """Return the container with a mount; those at or below its target are dropped."""
    kept = tuple(m for m in container.mounts if not is_within(m.target, mount.target))
    return replace(container, mounts=(*kept, mount), image_ref="")


def without_mount(container: Container, target: str) -> Container:
    """Return the container without what is mounted at `target`."""
    kept = tuple(m for m in container.mounts if m.target != target)
    return replace(container, mounts=kept)


def with_root(container: Container, root: Node | None) -> Container:
    """Return the container with another root file system; its last exec is kept."""
    return replace(container, root=root)
