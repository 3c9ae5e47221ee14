"""`COPY` and `ADD`: nodes that copy from the context, a stage, an image or the file itself."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.dockerfile.expand import Expander
from keelway.dockerfile.instructions import Add, Copy
from keelway.engine.graph import ops
from keelway.engine.graph.node import Node

if TYPE_CHECKING:
    from keelway.dockerfile.instructions import Heredoc
    from keelway.engine.frontends.stage import Build, StageState

_URL = re.compile(r"(?:https?|ftp)://", re.IGNORECASE)
_GIT = re.compile(r"(?:git@[^:/]+:|git://|ssh://|https?://[^#]+\.git(?:[#?]|\Z))", re.IGNORECASE)
_OCTAL = re.compile(r"0?[0-7]{1,4}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class _From:
    """A tree to copy from."""

    tree: Node
    sources: tuple[str, ...]
    ignore: tuple[str, ...] = ()


def copy(state: StageState, instruction: Copy | Add, build: Build) -> StageState:
    """Return the stage with the files of a `COPY` or `ADD`."""
    expander = state.expander(build)
    chown = expander.word(instruction.chown)
    _check_link(state, instruction, chown)
    sources = tuple(expander.word(source) for source in instruction.sources)
    if isinstance(instruction, Add):
        _check_remote(state, instruction, sources)
    op = ops.DockerCopy(
        sources=(),
        dest=_destination(state, expander.word(instruction.dest)),
        exclude=tuple(expander.word(pattern) for pattern in instruction.exclude),
        owner=chown,
        mode=_mode(state, instruction, expander.word(instruction.chmod)),
        parents=isinstance(instruction, Copy) and instruction.parents,
        unpack=isinstance(instruction, Add) and instruction.unpack is not False,
        where=state.step(instruction),
    )
    several = len(sources) + len(instruction.heredocs) > 1
    root = state.container.tree
    for found in _all(state, instruction, sources, build):
        # One operation copies from one tree: that there are more sources must not get lost.
        dest = op.dest if not several or op.dest.endswith("/") else f"{op.dest}/"
        ready = replace(op, sources=found.sources, ignore=found.ignore, dest=dest)
        root = Node.of(ready, root, found.tree)
    return replace(state, container=replace(state.container, root=root))


def _all(
    state: StageState, instruction: Copy | Add, sources: tuple[str, ...], build: Build
) -> list[_From]:
    found: list[_From] = []
    if sources:
        parents = isinstance(instruction, Copy) and instruction.parents
        paths = tuple(_source(source, parents=parents) for source in sources)
        if isinstance(instruction, Copy) and instruction.from_:
            tree = build.tree_of(instruction.from_, state, instruction.location)
            found.append(_From(tree=tree, sources=paths))
        else:
            found.append(_From(tree=build.context, sources=paths, ignore=build.ignore))
    if instruction.heredocs:
        expander = Expander(state.values(), quotes=False)
        tree = _inline_files(instruction.heredocs, expander)
        names = tuple(heredoc.name for heredoc in instruction.heredocs)
        found.append(_From(tree=tree, sources=names))
    return found


def _inline_files(heredocs: tuple[Heredoc, ...], expander: Expander) -> Node:
    """Return a tree with the files that the Dockerfile itself holds."""
    tree = Node.of(ops.Scratch())
    for heredoc in heredocs:
        text = expander.word(heredoc.text) if heredoc.expand else heredoc.text
        data = text.encode("utf-8", "surrogateescape")
        tree = Node.of(ops.NewFile(path=f"/{heredoc.name}", contents=data, mode=0o644), tree)
    return tree


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


def _mode(state: StageState, instruction: Copy | Add, text: str) -> int | None:
    if not text:
        return None
    if not _OCTAL.match(text):
        state.fail(
            f"--chmod={text} is not supported by the local engine: write the mode as an octal "
            "number such as 755",
            instruction,
        )
    return int(text, 8)


def _check_link(state: StageState, instruction: Copy | Add, chown: str) -> None:
    """Refuse names with `--link`: such files go into an empty tree, where no name is known."""
    if instruction.link and any(part and not part.isdigit() for part in chown.split(":")):
        state.fail(
            f"--chown={chown} cannot be looked up with --link: use numbers for user and group",
            instruction,
        )


def _check_remote(state: StageState, add: Add, sources: tuple[str, ...]) -> None:
    remote = [source for source in sources if _GIT.match(source) or _URL.match(source)]
    if add.checksum and not remote:
        state.fail("--checksum can't be specified for local sources", add)
    if add.checksum:
        state.fail("http checksum enforcement is unsupported", add)
    if remote:
        kind = "git repositories" if _GIT.match(remote[0]) else "URLs"
        state.fail(
            f"ADD of {kind} is not supported by the local engine yet: {remote[0]}; fetch it into "
            "the build context first and use COPY",
            add,
        )
