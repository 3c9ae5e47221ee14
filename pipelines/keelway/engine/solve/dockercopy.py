"""`COPY` and `ADD` of a Dockerfile.

The rules are those of the Dockerfile reference, sections "COPY" and "ADD": a folder's contents are
copied, not the folder; a file goes into the destination if that ends in a slash, is a folder, or
takes several sources; a pattern may match nothing, a plain name may not.
"""

from __future__ import annotations

import posixpath
import shutil
from typing import TYPE_CHECKING

from keelway.dockerfile.modes import parse_mode
from keelway.engine.errors import EngineError
from keelway.engine.solve.archives import is_archive, unpack
from keelway.engine.solve.copying import Attributes, Copier, Everything
from keelway.engine.solve.copysources import expand, is_pattern
from keelway.engine.store.patterns import Patterns, Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.engine.graph.copies import CopyPart, DockerCopy
    from keelway.engine.run.inroot import Root
    from keelway.engine.solve.links import Links


class _Kept:
    """What the ignore file and `--exclude` leave of one source folder."""

    def __init__(self, prefix: str, ignore: Selection, exclude: Patterns) -> None:
        self._prefix = prefix
        self._ignore = ignore
        self._exclude = exclude

    def takes(self, path: str) -> bool:
        return self._ignore.takes(self._prefix + path) and not self._exclude.matches(path)

    def enters(self, path: str) -> bool:
        return self._ignore.enters(self._prefix + path) and (
            not self._exclude.matches(path) or self._exclude.may_spare_below(path)
        )


class DockerCopier:
    """One instruction at work: from a context that is open for reading into a root."""

    def __init__(  # noqa: PLR0913 - what is copied, from where, to where
        self,
        op: DockerCopy,
        part: CopyPart,
        source: Root,
        dest: Root,
        *,
        owner: tuple[int, int] | None,
        links: Links | None,
        new_work: Callable[[], Path],
    ) -> None:
        """Prepare to copy.

        Args:
            op: the instruction.
            part: what of the tree is to be copied.
            source: the tree to copy from.
            dest: the tree to copy to.
            owner: what the operation's owner means in numbers.
            links: takes files that need not be copied.
            new_work: makes a folder on the same file system, for archives.
        """
        self._op = op
        self._part = part
        self._new_work = new_work
        self._source = source
        self._dest = dest
        mode = parse_mode(op.chmod) if op.chmod else None
        self._copier = Copier(dest, Attributes(owner=owner, mode=mode), links)
        self._unpacked = Copier(dest, Attributes(owner=owner))
        self._ignore = Selection((), part.ignore)
        self._exclude = Patterns(op.exclude)

    def run(self) -> None:
        """Copy everything.

        Raises:
            EngineError: A source is missing, or a file is where a folder must be.
        """
        try:
            self._run()
        except EngineError as error:
            where = f"{self._op.where}: " if self._op.where else ""
            raise EngineError(f"{where}{error}") from error

    def _run(self) -> None:
        found = [(pattern, path) for pattern in self._part.sources for path in self._match(pattern)]
        into = self._op.dest.endswith("/") or len(self._op.sources) > 1 or len(found) > 1
        for pattern, path in found:
            self._copy(pattern, path, into=into)

    # --- sources ------------------------------------------------------------------------------

    def _match(self, pattern: str) -> list[str]:
        """Return the relative paths that a source names; one that is missing is an error."""
        clean = posixpath.normpath("/" + pattern).lstrip("/")
        if is_pattern(clean):
            found = expand(self._source, clean, deep=self._op.parents)
            return [path for path in found if self._is_kept(path)]
        if not self._source.exists(clean or "/", follow=False) or not self._is_kept(clean):
            raise EngineError(f'"/{clean}": not found')
        return [clean]

    def _is_kept(self, path: str) -> bool:
        if not path:
            return True
        return self._ignore.takes(path) or (self._source.is_dir(path) and self._ignore.enters(path))

    # --- copies -------------------------------------------------------------------------------

    def _copy(self, pattern: str, path: str, *, into: bool) -> None:
        real = self._source.path / str(self._source.resolve(path or "/")).lstrip("/")
        dest = self._op.dest
        if self._op.parents:
            dest = posixpath.join(dest, self._kept_parents(pattern, path))
        if real.is_dir():
            target = dest
            if self._op.parents:
                target = posixpath.join(dest, posixpath.basename(path))
            prefix = f"{path}/" if path else ""
            self._copier.tree(real, target, _Kept(prefix, self._ignore, self._exclude))
            return
        name = posixpath.basename(path)
        if self._exclude.matches(name):
            return
        if self._part.unpack and is_archive(real):
            self._unpack(real, dest)
            return
        if into or self._op.parents or self._dest.is_dir(dest):
            dest = posixpath.join(dest, name)
        self._copier.file(real, dest)

    def _kept_parents(self, pattern: str, path: str) -> str:
        """Return the folders of a source that `--parents` keeps: those behind a `/./`."""
        pivot = pattern.find("/./")
        kept = path
        if pivot >= 0:
            above = [part for part in pattern[:pivot].split("/") if part not in {"", "."}]
            kept = "/".join(path.split("/")[len(above) :])
        return posixpath.dirname(kept)

    def _unpack(self, archive: Path, dest: str) -> None:
        """Unpack an archive beside the tree, then merge it in; `--chmod` is not for its files."""
        work = self._new_work()
        try:
            unpack(archive, work)
            self._unpacked.tree(work, dest, Everything())
        except EngineError as error:
            raise EngineError(f"cannot unpack {archive.name}: {error}") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
