"""Fields of `File`."""

from __future__ import annotations

import itertools
import os
import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.node import Node
from keelway.engine.graph.values import File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside
from keelway.engine.schema.text import LongText, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

FILE = Resolvers()
FILE.record("Stat", "name", "size", "fileType", "permissions")

_MOST_CONTENTS = 128 << 20


@FILE.field("File", "contents")
def contents(parent: File, args: Arguments, session: Session) -> str | LongText:
    """Return the text, or some lines of it; a negative number is as if it were not given."""
    first, most = args.get("offsetLines", 0), args.get("limitLines", -1)
    with session.trees.file(parent.node, parent.path, shown=parent.asked) as file:
        if first <= 0 and most < 0:
            _check_size(os.fstat(file.fileno()).st_size)
            return text_of(file.read())
        lines = itertools.islice(file, max(first, 0), None if most < 0 else max(first, 0) + most)
        found: list[bytes] = []
        size = 0
        for line in lines:
            size += len(line)
            _check_size(size)
            found.append(line)
    return text_of(b"".join(found))


def _check_size(size: int) -> None:
    if size > _MOST_CONTENTS:
        raise EngineError(
            f"file size {size} exceeds limit {_MOST_CONTENTS}: export the file, or read it by lines"
        )


@FILE.field("File", "size")
def size(parent: File, _args: Arguments, session: Session) -> int:
    """Return the size in bytes."""
    session.solver.look_at(parent.node, parent.path, want="file", shown=parent.asked)
    return session.trees.stat(parent.node, parent.path, follow=True).size


@FILE.field("File", "name")
def name(parent: File, _args: Arguments, session: Session) -> str:
    """Return the last part of the path."""
    session.solver.look_at(parent.node, parent.path, want="file", shown=parent.asked)
    return posixpath.basename(parent.path)


@FILE.field("File", "stat")
def stat(parent: File, _args: Arguments, session: Session) -> object:
    """Return what is known of the file."""
    return session.trees.stat(parent.node, parent.path, follow=True)


@FILE.field("File", "digest")
def digest(parent: File, args: Arguments, session: Session) -> str:
    """Return the digest of contents, mode and owner, or of the contents alone."""
    session.solver.look_at(parent.node, parent.path, want="file", shown=parent.asked)
    if args.get("excludeMetadata"):
        return session.trees.content_digest(parent.node, parent.path)
    return session.trees.digest(parent.node, parent.path)


@FILE.field("File", "export")
def export(parent: File, args: Arguments, session: Session) -> str:
    """Write the file to the host; returns the absolute path."""
    container = inside()
    if container is not None:
        session.solver.look_at(parent.node, parent.path, want="file", shown=parent.asked)
        name = posixpath.basename(parent.path)
        into = bool(args.get("allowParentDirPath"))
        with session.trees.opened(parent.node, parent.path) as source:
            return container.write_file(source, args["path"], name=name, into=into)
    asked = dest = session.host_path(args["path"])
    if dest.is_dir():
        if not args.get("allowParentDirPath"):
            raise is_directory(dest)
        dest /= posixpath.basename(parent.path)
    session.trees.export_file(parent.node, parent.path, dest)
    return str(asked)


def is_directory(dest: Path) -> EngineError:
    """Return the error of a file that is to be written where a directory is."""
    return EngineError(
        f'destination "{dest}" is a directory; must be a file path unless allowParentDirPath is set'
    )


@FILE.field("File", "withName")
def with_name(parent: File, args: Arguments, _session: Session) -> File:
    """Return the file under another name."""
    if "/" in args["name"]:
        raise EngineError(f'file name "{args["name"]}" must not contain a directory')
    op = ops.Renamed(source=parent.path, name=args["name"])
    return File(node=Node.of(op, parent.node), path=f"/{args['name']}")


@FILE.field("File", "chown")
def chown(parent: File, args: Arguments, _session: Session) -> File:
    """Give the file to an owner."""
    op = ops.Chown(path=parent.path, owner=args["owner"])
    return File(node=Node.of(op, parent.node), path=parent.path)


@FILE.field("File", "withTimestamps")
def with_timestamps(parent: File, args: Arguments, _session: Session) -> File:
    """Set the file's times."""
    op = ops.Timestamps(path=parent.path, seconds=args["timestamp"])
    return File(node=Node.of(op, parent.node), path=parent.path)


@FILE.field("File", "withReplaced")
def with_replaced(parent: File, args: Arguments, _session: Session) -> File:
    """Replace text; which of several places must be said."""
    op = ops.Replaced(
        path=parent.path,
        search=args["search"].encode(),
        replacement=args["replacement"].encode(),
        all=args.get("all", False),
        first_from=args.get("firstFrom"),
    )
    return File(node=Node.of(op, parent.node), path=parent.path)
