"""What a node can do: one frozen dataclass an operation, data only.

Paths are absolute inside the tree that the operation works on. Modes are permission bits. An
owner is `user[:group]` by name or number; names are looked up in the tree of the input that
`owner_input` numbers. The first input is the tree that is changed; further inputs are what it
takes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from keelway.engine.graph.changes import ApplyChanges, ApplyPatch, MakePatch, MergeChanges
from keelway.engine.graph.copies import DockerCopy, Stacked
from keelway.engine.graph.images import ImageRoot, Tarball
from keelway.engine.graph.sources import GitTree, HostFile, HostTree, WebFile

if TYPE_CHECKING:
    from keelway.engine.graph.sockets import ExecSocket


class Expect(Enum):
    """Which exit codes of an exec are a success; 128 to 191 never are."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ANY = "ANY"


class Sharing(Enum):
    """How execs that run at once use one cache volume."""

    SHARED = "SHARED"
    PRIVATE = "PRIVATE"
    LOCKED = "LOCKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """The empty tree. No inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """The first input with a file of these contents; parents are made with 0755."""

    path: str
    contents: bytes
    mode: int
    owner: str = ""
    owner_input: int = 0
    keep_mode: bool = False
    """A file that is already there keeps its mode."""
    placed: bool = False
    """As a copied file is: a directory takes it under the path's last name, a link gives way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDirectory:
    """The first input with this directory and its parents."""

    path: str
    mode: int
    owner: str = ""
    owner_input: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTree:
    """The first input with the contents of a directory of the second merged into it."""

    source: str
    dest: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = False
    owner: str = ""
    owner_input: int = 0
    mode: int | None = None
    """Set on each file and directory that is copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFile:
    """The first input with one file of the second."""

    source: str
    dest: str
    """A directory, or a name that ends in a slash, takes the file under the source's name."""
    owner: str = ""
    owner_input: int = 0
    mode: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """The first input without these paths; `*` patterns are allowed, missing ones are fine."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symlink:
    """The first input with a symbolic link."""

    target: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chown:
    """The first input with everything below `path` owned by `owner`."""

    path: str
    owner: str
    owner_input: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamps:
    """The first input with the times of everything below `path` set (seconds since 1970)."""

    path: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The first input with text of a file replaced: the one place that has it, or more if told."""

    path: str
    search: bytes
    replacement: bytes
    all: bool = False
    """Every place; none is fine then."""
    first_from: int | None = None
    """Places count from this line on, lines from 1; without `all` the first of them is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtree:
    """A directory of the first input as a tree of its own."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A tree with just one file of the first input, under another name."""

    source: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the second tree adds to, or changes of, the first."""

    lower: str
    upper: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecMount:
    """Something mounted while a command runs; `input` numbers the node's inputs."""

    target: str
    kind: str
    """`directory`, `file`, `cache` or `temp`."""
    input: int = -1
    """The input that holds the contents (or seeds the cache); -1 for none."""
    path: str = "/"
    """Which part of the input is mounted."""
    readonly: bool = False
    cache: str = ""
    """Identity of the cache volume."""
    sharing: Sharing = Sharing.SHARED
    size: int = 0
    """Bytes of a `temp` mount; 0 for the kernel's default."""
    owner: str = ""
    mode: int | None = None
    discard: bool = False
    """What the command writes there is thrown away (a Dockerfile's bind mount)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSecret:
    """A secret for one command, as a variable or as a file; its value is never part of this."""

    identity: str
    """What counts for the cache."""
    handle: str = field(repr=False)
    """Where the session keeps the value."""
    variable: str = ""
    path: str = ""
    owner: str = ""
    mode: int = 0o400


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A service that runs while a command does, under a name of the command's choice."""

    alias: str
    input: int
    """The input that defines the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """Run a command on the first input as root file system.

    Outputs: 0 is the root file system, then one a mount in the order of `mounts`.
    """

    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    cwd: str
    user: str
    platform: str
    mounts: tuple[ExecMount, ...] = ()
    secrets: tuple[ExecSecret, ...] = ()
    sockets: tuple[ExecSocket, ...] = ()
    bindings: tuple[Binding, ...] = ()
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: Expect = Expect.SUCCESS
    privileged: bool = False
    nesting: bool = False
    """It may speak to the session: a port and a token of its own are in its variables."""
    init: bool = True
    network: str = "default"
    """`default`, `none`, or `host`: the engine's own, as in Dagger, which each command is on."""
    volatile: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Variables that the command sees and the cache does not, by their newest values."""
    proxies: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The same, by these values: how the network is reached does not change what a step makes."""
    name: str = field(default="", repr=False)
    """What progress and errors call it (a Dockerfile's step)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """A port that passes connections on to another."""

    backend: int
    frontend: int = 0
    """0 where it is not said: a tunnel takes any, a service of the host the same number."""
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A command that serves others while it runs; its inputs are those of the command.

    Evaluating it evaluates the inputs and starts nothing.
    """

    exec: Exec
    ports: tuple[tuple[int, str], ...] = ()
    """Port and protocol of each that clients may use."""
    probed: tuple[int, ...] = ()
    """The TCP ports that must answer before the service is healthy."""
    check: Check | None = None
    """A command that says whether the service is healthy, in place of the ports."""
    hostname: str = ""
    """What it is called, if not by its identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A health check's command; durations in seconds."""

    args: tuple[str, ...]
    interval_s: float | None
    timeout_s: float
    start_period_s: float
    start_interval_s: float | None
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostService:
    """Ports of the host, or of what it reaches, as a service. No inputs."""

    host: str
    forwards: tuple[Forward, ...]
    hostname: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """Ports of the host that lead to the service that is the only input."""

    native: bool
    forwards: tuple[Forward, ...]
    hostname: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of the exec that is the only input."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A tree that can't be had: evaluating it raises this message."""

    message: str


Op = (
    Scratch
    | ImageRoot
    | HostTree
    | HostFile
    | WebFile
    | GitTree
    | NewFile
    | NewDirectory
    | CopyTree
    | CopyFile
    | DockerCopy
    | Stacked
    | Remove
    | Symlink
    | Chown
    | Timestamps
    | Subtree
    | Renamed
    | Replaced
    | Difference
    | ApplyChanges
    | MergeChanges
    | ApplyPatch
    | MakePatch
    | Exec
    | Service
    | HostService
    | Tunnel
    | Output
    | Failure
    | Tarball
)
