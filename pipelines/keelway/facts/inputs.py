"""Which files among an image's inputs changed: of what its build really reads.

That is what its Dockerfile copies or mounts of the context, without what the ignore file leaves
out; the Dockerfile and the ignore file; named files and folders elsewhere; and every symbolic link
on the way to these.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.dockerfile import parse
from keelway.dockerfile.errors import DockerfileError, SyntaxProblem
from keelway.dockerfile.ignore import IgnoreFile
from keelway.dockerfile.reads import WHOLE, context_sources
from keelway.errors import PlanError
from keelway.facts.context_files import below, parents, read_files
from keelway.facts.places import Places
from keelway.model.changes import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keelway.dockerfile import Dockerfile
    from keelway.facts.context_files import ContextFiles
    from keelway.facts.difference import Difference
    from keelway.model.changes import ImageInputs

MOST_NAMED = 100
"""Files that are named of one image; a hundred tell enough."""


class ChangedInputs:
    """What differs from a commit, asked image by image."""

    def __init__(self, found: Difference) -> None:
        self._found = found
        self._paths = frozenset(found.paths)
        self._ignored = frozenset(found.ignored)
        self._places = Places()

    def causes(self, inputs: ImageInputs) -> tuple[Cause, ...]:
        """Return what of an image's inputs changed, or may have; nothing when none did.

        Args:
            inputs: What the image is made of.

        Raises:
            PlanError: The ignore file is malformed.
        """
        trees = (inputs.context, *inputs.others)
        places = [self._places.find(str(tree)) for tree in trees]
        for tree, place in zip(trees, places, strict=True):
            if self._found.inside(place.path) is None:
                text = f"{tree} lies outside of the git repository: nobody knows whether it changed"
                return (Cause(kind="unknown", name=text),)
        context, *others = [self._found.inside(place.path) or "." for place in places]
        files = {*self._beside(inputs)}
        files |= {name for place in places for name in self._named(place.links)}
        for other in others:
            files |= {*below(self._found.paths, other), *self._above(other)}
        unknown = sorted(self._unknown_beside(inputs, others))
        if self._may_have(context):
            read = self._read(inputs, context)
            files |= {*read.among(self._found.paths, self._found.trees)}
            if not files and not unknown:
                unknown = [*self._unknown(read)]
        return (
            *(Cause(kind="file", name=name) for name in sorted(files)[:MOST_NAMED]),
            *(Cause(kind="unknown", name=_unseen(name)) for name in unknown[:1]),
        )

    def _may_have(self, context: str) -> bool:
        """Return whether anything in a context changed at all, or may have."""
        lists = (self._found.paths, self._found.ignored)
        if any(len(below(paths, context)) > 0 for paths in lists):
            return True
        return any(path in self._paths or path in self._ignored for path in parents(context))

    def _beside(self, inputs: ImageInputs) -> Iterator[str]:
        """Yield the changed ones of the files that say how the image is built."""
        for name in (inputs.dockerfile, *_ignore_names(inputs)):
            # As it is written, and where the context really is: `..` may differ there.
            for folder in dict.fromkeys((str(inputs.context), self._real(inputs))):
                place = self._places.find(f"{folder}/{name}")
                yield from self._named((*place.links, place.path))
                inside = self._found.inside(place.path)
                yield from () if inside is None else self._above(inside)

    def _real(self, inputs: ImageInputs) -> str:
        return self._places.find(str(inputs.context)).path

    def _named(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            inside = self._found.inside(path)
            if inside in self._paths:
                yield inside

    def _above(self, path: str) -> Iterator[str]:
        """Yield changed paths that a path is in: a submodule, a link."""
        return (above for above in parents(path) if above in self._paths)

    def _unknown_beside(self, inputs: ImageInputs, others: Sequence[str]) -> Iterator[str]:
        place = self._places.find(f"{inputs.context}/{inputs.dockerfile}")
        inside = self._found.inside(place.path)
        for path in (*(() if inside is None else (inside,)), *others):
            if any(one in self._ignored for one in (path, *parents(path))):
                yield path
            elif path in others:
                yield from below(self._found.ignored, path)[:1]

    def _unknown(self, read: ContextFiles) -> Iterator[str]:
        """Yield the first file that is read and that git ignores."""
        top = str(self._found.top)
        for place in read.places():
            starts = [*below(self._found.ignored, place)]
            if any(above in self._ignored for above in parents(place)):
                starts = [place]
            for start in starts:
                for path in _files(top, start, read):
                    if read.has(path):
                        yield path
                        return

    def _read(self, inputs: ImageInputs, context: str) -> ContextFiles:
        """Return what of the context is read; all of it where the Dockerfile cannot be read."""
        folder = Path(self._real(inputs))
        patterns: Sequence[str] = (WHOLE,)
        try:
            parsed = parsed_dockerfile(inputs)
            patterns = context_sources(parsed, build_args=inputs.build_args, targets=inputs.targets)
        except (OSError, DockerfileError, SyntaxProblem):
            pass  # the build tells what is wrong with it
        return read_files(self._found.top, context, _ignored(inputs, folder), patterns)


def parsed_dockerfile(inputs: ImageInputs) -> Dockerfile:
    """Return an image's Dockerfile.

    Raises:
        OSError: It is not there.
        DockerfileError: It is malformed.
    """
    return _parsed(dockerfile_text(inputs), inputs.dockerfile)


def dockerfile_text(inputs: ImageInputs) -> str:
    """Return the text of an image's Dockerfile.

    Raises:
        OSError: It is not there.
    """
    file = inputs.context / inputs.dockerfile
    return file.read_text(encoding="utf-8", errors="replace")


@lru_cache(maxsize=2048)
def _parsed(text: str, name: str) -> Dockerfile:
    return parse(text, name)


@lru_cache(maxsize=256)
def _patterns(text: str, name: str) -> IgnoreFile:
    return IgnoreFile.parse(text, name)


def _ignore_names(inputs: ImageInputs) -> tuple[str, str]:
    """Return what ignore files may be called; the first that is there counts."""
    return f"{inputs.dockerfile}.dockerignore", ".dockerignore"


def _ignored(inputs: ImageInputs, folder: Path) -> IgnoreFile:
    """Return what of the context is no input.

    Raises:
        PlanError: The ignore file is malformed.
    """
    text, file = "", folder / ".dockerignore"
    for name in _ignore_names(inputs):
        found = folder / name
        try:
            text, file = found.read_text(encoding="utf-8", errors="replace"), found
        except OSError:
            continue
        break
    try:
        return _patterns("\n".join((text, *inputs.exclude)), str(file))
    except DockerfileError as error:
        raise PlanError(str(error), next_step="correct the ignore file") from error


def _files(top: str, start: str, read: ContextFiles) -> Iterator[str]:
    """Yield a path, or the files in it where it is a folder, as far as they may be read."""
    root = f"{top}/{start}"
    if os.path.islink(root) or not os.path.isdir(root):  # noqa: PTH114, PTH112 - one path of many
        yield start
        return
    for folder, folders, files in os.walk(root):
        inside = folder[len(top) + 1 :]
        folders[:] = [name for name in folders if not read.leaves_out(f"{inside}/{name}")]
        yield from (f"{inside}/{name}" for name in sorted(files))


def _unseen(path: str) -> str:
    return f"{path} is read, but git ignores it: nobody knows whether it changed"
