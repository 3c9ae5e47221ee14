"""One build stage while its instructions are applied, and what they may ask of the whole build."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.expand import Expander

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

    from keelway.dockerfile.errors import Location, Source
    from keelway.dockerfile.instructions import Instruction
    from keelway.dockerfile.remotes import GitAddress
    from keelway.engine.graph.container import Config, Container
    from keelway.engine.graph.node import Node
    from keelway.engine.graph.sockets import Socket
    from keelway.engine.graph.values import Directory, Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What `Directory.dockerBuild` is asked for."""

    context: Directory
    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: tuple[tuple[str, str], ...] = ()
    platform: str = ""
    """`os/arch[/variant]`; empty for the machine's own."""
    secrets: tuple[Secret, ...] = ()
    ssh: Socket | None = None
    """The agent behind `RUN --mount=type=ssh`."""
    init: bool = True


class Surroundings(Protocol):
    """What a build needs of the session that it runs in."""

    @property
    def default_platform(self) -> str:
        """Return the platform of this machine."""
        ...

    def with_image(self, container: Container, address: str) -> Container:
        """Return an empty container on an image of its platform (`Container.from`)."""
        ...

    def read_file(self, directory: Directory, path: str) -> bytes | None:
        """Return a file of a directory; None when there is none."""
        ...

    def web_file(self, url: str, name: str, mode: int, secrets: tuple[Secret, ...]) -> Node:
        """Return a tree with just the file of a URL; a secret may be meant for its server."""
        ...

    def git_tree(
        self, git: GitAddress, *, checksum: str, keep_git_dir: bool, secrets: tuple[Secret, ...]
    ) -> Node:
        """Return the files of a repository, at a commit that begins with the checksum."""
        ...

    def is_directory(self, node: Node, path: str) -> bool | None:
        """Say whether a path of a tree is a directory; None when there is nothing."""
        ...


class Build(Protocol):
    """The build that a stage is a part of."""

    @property
    def request(self) -> BuildRequest:
        """Return what was asked for."""
        ...

    @property
    def surroundings(self) -> Surroundings:
        """Return the session."""
        ...

    @property
    def build_args(self) -> Mapping[str, str]:
        """Return the build arguments that were given."""
        ...

    @property
    def global_args(self) -> Mapping[str, str]:
        """Return the arguments before the first `FROM`, and the predefined ones."""
        ...

    @property
    def escape(self) -> str:
        """Return the Dockerfile's escape character."""
        ...

    @property
    def ignore(self) -> tuple[str, ...]:
        """Return the lines of the ignore file."""
        ...

    @property
    def context(self) -> Node:
        """Return the tree of the build context, with all that the ignore file leaves out."""
        ...

    def tree_of(self, reference: str, asking: StageState, location: Location) -> Node:
        """Return the root of a stage or an image that an instruction takes files from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """What the instructions so far have made of a stage."""

    index: int
    """The stage's number in the file."""
    container: Container
    source: Source
    """Where the instruction that is being applied stands."""
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    """The build arguments that are declared here and have a value."""
    cmd_set: bool = False
    """This stage itself has a `CMD`."""

    @property
    def config(self) -> Config:
        """Return the image configuration so far."""
        return self.container.config

    def values(self) -> dict[str, str]:
        """Return the values of variables: `ENV` wins over `ARG`."""
        return {**self.args, **dict(self.config.env)}

    def expander(self, build: Build) -> Expander:
        """Return what replaces variables in an instruction."""
        return Expander(self.values(), escape=build.escape)

    def with_config(self, config: Config) -> StageState:
        """Return the stage with another image configuration."""
        return replace(self, container=replace(self.container, config=config))

    def with_root(self, root: Node) -> StageState:
        """Return the stage with another root file system."""
        return replace(self, container=replace(self.container, root=root))

    def path(self, text: str) -> str:
        """Return a path as an absolute one, taken from the working directory."""
        joined = posixpath.join("/", self.config.workdir or "/", text)
        return "/" + posixpath.normpath(joined).lstrip("/")

    def step(self, instruction: Instruction) -> str:
        """Return what progress and errors call an instruction."""
        return f"{self.source.name}:{instruction.location.line}: {instruction.text}"

    def fail(self, reason: str, instruction: Instruction) -> NoReturn:
        """Raise an error that points at an instruction.

        Raises:
            DockerfileError: Always.
        """
        raise self.source.error(reason, instruction.location)

    def reading(self, instruction: Instruction, read: Callable[[], T]) -> T:
        """Return what `read` gives; a problem it finds points at the instruction.

        Raises:
            DockerfileError: `read` found something wrong in a piece of text.
        """
        try:
            return read()
        except SyntaxProblem as problem:
            self.fail(str(problem), instruction)
