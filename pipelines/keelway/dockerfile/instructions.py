"""The instructions of a Dockerfile as typed values.

Texts are as they were written: variables are still in them (`keelway.dockerfile.expand` replaces
them), since their values depend on where in a build they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.dockerfile.errors import Location
    from keelway.dockerfile.mounts import MountText


@dataclass(frozen=True, slots=True, kw_only=True)
class Heredoc:
    """A here-document: the lines between `<<NAME` and `NAME`."""

    name: str
    content: str
    """As written, with line ends."""
    expand: bool
    """False when the name was quoted: `COPY` then takes the text as it is."""
    strip_tabs: bool
    """`<<-`: leading tabs are no part of the text."""
    descriptor: str = ""
    """Digits in front of the `<<`."""

    @property
    def text(self) -> str:
        """Return the content, without leading tabs where those were to be stripped."""
        if not self.strip_tabs:
            return self.content
        return "".join(line.lstrip("\t") for line in self.content.splitlines(keepends=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` take."""

    words: tuple[str, ...]
    """The exec form's words, or the shell form's whole text as one."""
    is_shell: bool
    """True for the shell form."""
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildArgument:
    """One argument of `ARG`; a default of None is none, "" is the empty text."""

    name: str
    default: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    location: Location
    text: str
    """The instruction as one line, without its heredocs."""
    comments: tuple[str, ...] = ()
    """The comment lines straight above it, without `#`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class From(_Placed):
    """`FROM [--platform=P] IMAGE [AS NAME]`."""

    image: str
    platform: str = ""
    name: str = ""
    """In lower case; empty when the stage has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(_Placed):
    """`RUN` in either form, with its flags."""

    command: Command
    mounts: tuple[MountText, ...] = ()
    network: str = "default"
    """`default`, `none` or `host`."""
    security: str = "sandbox"
    """`sandbox` or `insecure`."""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copying(_Placed):
    sources: tuple[str, ...]
    """Paths and, for `ADD`, addresses; heredocs are not among them."""
    dest: str
    heredocs: tuple[Heredoc, ...] = ()
    """Files whose contents stand in the Dockerfile, named after the heredoc."""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(_Copying):
    """`COPY`."""

    from_: str = ""
    """A stage's name or number, or an image; empty for the build context."""
    parents: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(_Copying):
    """`ADD`."""

    keep_git_dir: bool = False
    checksum: str = ""
    unpack: bool | None = None
    """None when the flag was not given: local archives are unpacked, downloads are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg(_Placed):
    """`ARG`, which takes several arguments."""

    arguments: tuple[BuildArgument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Env(_Placed):
    """`ENV` in either form."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(_Placed):
    """`LABEL`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expose(_Placed):
    """`EXPOSE`; `keelway.dockerfile.ports` reads the ports once variables are replaced."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck(_Placed):
    """`HEALTHCHECK`; a command of None means `NONE`. Durations are nanoseconds, 0 if not given."""

    command: Command | None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell(_Placed):
    """`SHELL`."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBuild(_Placed):
    """`ONBUILD`."""

    expression: str
    """The trigger's text as an image's configuration keeps it, heredocs included."""
    trigger: Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSignal(_Placed):
    """`STOPSIGNAL`."""

    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(_Placed):
    """`VOLUME` in either form."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class User(_Placed):
    """`USER name[:group]`."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workdir(_Placed):
    """`WORKDIR`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrypoint(_Placed):
    """`ENTRYPOINT` in either form."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmd(_Placed):
    """`CMD` in either form."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintainer(_Placed):
    """`MAINTAINER` (deprecated)."""

    name: str


Instruction = (
    From
    | Run
    | Copy
    | Add
    | Arg
    | Env
    | Label
    | Expose
    | Healthcheck
    | Shell
    | OnBuild
    | StopSignal
    | Volume
    | User
    | Workdir
    | Entrypoint
    | Cmd
    | Maintainer
)
