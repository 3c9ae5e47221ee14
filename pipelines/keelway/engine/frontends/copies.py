"""`COPY` and `ADD`: nodes that copy from the context, a stage, an image, or from elsewhere."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.expand import Expander
from keelway.dockerfile.instructions import Add, Copy
from keelway.dockerfile.modes import parse_mode
from keelway.dockerfile.remotes import file_name, git_source, is_web_file
from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.copies import CopyPart, DockerCopy, Stacked
from keelway.engine.graph.node import Node

if TYPE_CHECKING:
    from keelway.dockerfile.instructions import Heredoc
    from keelway.dockerfile.remotes import GitAddress
    from keelway.engine.frontends.stage import Build, StageState

_WILD = re.compile(r"([*?\[\\])")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}\Z")
_DOWNLOADED = 0o600


@dataclass(slots=True)
class _Parts:
    """What one instruction copies, in its order, and the trees that this is in."""

    parts: list[CopyPart] = field(default_factory=list[CopyPart])
    trees: list[Node] = field(default_factory=list[Node])

    def add(
        self, tree: Node, *sources: str, ignore: tuple[str, ...] = (), unpack: bool = False
    ) -> None:
        """Add sources; those that follow others of the same tree are one part with them."""
        if self.trees and self.trees[-1] == tree:
            sources = (*self.parts.pop().sources, *sources)
            self.trees.pop()
        self.trees.append(tree)
        part = CopyPart(input=len(self.trees), sources=sources, ignore=ignore, unpack=unpack)
        self.parts.append(part)


def copy(state: StageState, instruction: Copy | Add, build: Build) -> StageState:
    """Return the stage with the files of a `COPY` or `ADD`."""
    expander = state.expander(build)
    chown = expander.word(instruction.chown)
    chmod = expander.word(instruction.chmod)
    if chmod:
        parse_mode(chmod)
    found = _parts(state, instruction, build)
    op = DockerCopy(
        parts=tuple(found.parts),
        dest=_destination(state, expander.word(instruction.dest)),
        exclude=tuple(expander.word(pattern) for pattern in instruction.exclude),
        owner=chown,
        chmod=chmod,
        parents=isinstance(instruction, Copy) and instruction.parents,
        text=instruction.text,
        where=state.step(instruction),
    )
    below = state.container.tree
    if instruction.link and not chmod:  # BuildKit does not link either where modes are set
        _check_names(state, instruction, chown)
        layer = Node.of(op, Node.of(ops.Scratch()), *found.trees)
        return state.with_root(Node.of(Stacked(), below, layer))
    return state.with_root(Node.of(op, below, *found.trees))


def _parts(state: StageState, instruction: Copy | Add, build: Build) -> _Parts:
    found = _Parts()
    expander = state.expander(build)
    sources = [expander.word(source) for source in instruction.sources]
    if isinstance(instruction, Copy):
        _add_local(found, state, instruction, build, sources)
    else:
        checksum = expander.word(instruction.checksum)
        _check_checksum(checksum, sources)
        for source in sources:
            _add_any(found, state, instruction, build, source, checksum)
    if instruction.heredocs:
        heredocs = Expander(state.values(), quotes=False)
        tree = _inline_files(instruction.heredocs, heredocs)
        found.add(tree, *(_literal(heredoc.name) for heredoc in instruction.heredocs))
    return found


def _add_local(
    found: _Parts, state: StageState, instruction: Copy, build: Build, sources: list[str]
) -> None:
    for source in sources:
        if git_source(source) is not None:
            raise SyntaxProblem("source can't be a git ref for COPY")
        if is_web_file(source):
            raise SyntaxProblem("source can't be a URL for COPY")
    paths = [_source(source, parents=instruction.parents) for source in sources]
    if not paths:
        return
    if instruction.from_:
        found.add(build.tree_of(instruction.from_, state, instruction.location), *paths)
    else:
        found.add(build.context, *paths, ignore=build.ignore)


def _add_any(
    found: _Parts, state: StageState, add: Add, build: Build, source: str, checksum: str
) -> None:
    git = git_source(source)
    try:
        if git is not None:
            found.add(_repository(git, add, build, checksum), "/")
        elif is_web_file(source):
            name = file_name(source)
            tree = build.surroundings.web_file(source, name, _DOWNLOADED, build.request.secrets)
            found.add(tree, _literal(name), unpack=add.unpack is True)
        else:
            path = _source(source, parents=False)
            found.add(build.context, path, ignore=build.ignore, unpack=add.unpack is not False)
    except EngineError as error:
        raise type(error)(str(state.source.error(str(error), add.location))) from error


def _repository(git: GitAddress, add: Add, build: Build, checksum: str) -> Node:
    if checksum and git.checksum and checksum != git.checksum:
        raise SyntaxProblem(f'checksum mismatch "{checksum}" != "{git.checksum}"')
    return build.surroundings.git_tree(
        git,
        checksum=checksum or git.checksum,
        keep_git_dir=add.keep_git_dir or git.keep_git_dir,
        secrets=build.request.secrets,
    )


def _inline_files(heredocs: tuple[Heredoc, ...], expander: Expander) -> Node:
    """Return a tree with the files that the Dockerfile itself holds."""
    tree = Node.of(ops.Scratch())
    for heredoc in heredocs:
        text = expander.word(heredoc.text) if heredoc.expand else heredoc.text
        data = text.encode("utf-8", "surrogateescape")
        tree = Node.of(ops.NewFile(path=f"/{heredoc.name}", contents=data, mode=0o644), tree)
    return tree


def _literal(name: str) -> str:
    """Return a name as a pattern that matches nothing else."""
    return _WILD.sub(r"\\\1", name)


def _source(source: str, *, parents: bool) -> str:
    """Return a source as a path below the root: `..` and slashes at the ends mean nothing."""
    if parents and "/./" in source:
        pivot, _, rest = source.partition("/./")
        above, below = _source(pivot, parents=False), _source(rest, parents=False)
        return f"{above}/./{below}" if above != "." else below
    return posixpath.normpath("/" + source).lstrip("/") or "."


def _destination(state: StageState, dest: str) -> str:
    """Return the destination as an absolute path; a slash at the end says directory."""
    path = state.path(dest)
    is_folder = dest in {"", ".", ".."} or dest.endswith(("/", "/.", "/.."))
    return path if path == "/" or not is_folder else f"{path}/"


def _check_names(state: StageState, instruction: Copy | Add, chown: str) -> None:
    """Refuse names with `--link`: such files go into an empty tree, where no name is known."""
    if any(part and not part.isdigit() for part in chown.split(":")):
        state.fail(
            f"--chown={chown} cannot be looked up with --link: use numbers for user and group",
            instruction,
        )


def _check_checksum(checksum: str, sources: list[str]) -> None:
    if not checksum:
        return
    if len(sources) != 1:
        raise SyntaxProblem("checksum can't be specified for multiple sources")
    if git_source(sources[0]) is not None:
        return
    if not is_web_file(sources[0]):
        raise SyntaxProblem("checksum requires HTTP(S) or Git sources")
    if not _CHECKSUM.match(checksum):
        raise SyntaxProblem(f'invalid checksum "{checksum}": write sha256: and 64 hex digits')
    raise SyntaxProblem("http checksum enforcement is unsupported")
