"""Fields of `File`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.node import Node
from keelway.engine.graph.values import File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.text import LongText, text_of

if TYPE_CHECKING:
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

FILE = Resolvers()
FILE.record("Stat", "name", "size", "fileType", "permissions")

_MOST_CONTENTS = 128 << 20


@FILE.field("File", "contents")
def contents(parent: File, args: Arguments, session: Session) -> str | LongText:
    """Return the text, or some lines of it."""
    if session.trees.stat(parent.node, parent.path, follow=True).size > _MOST_CONTENTS:
        raise EngineError(
            f"file {posixpath.basename(parent.path)} is larger than {_MOST_CONTENTS} bytes: "
            "export it instead of reading its contents"
        )
    data = session.trees.read(parent.node, parent.path)
    first, most = args.get("offsetLines"), args.get("limitLines")
    if first is None and most is None:
        return text_of(data)
    lines = data.decode("utf-8", "replace").splitlines(keepends=True)[first or 0 :]
    return "".join(lines if most is None else lines[:most])


@FILE.field("File", "size")
def size(parent: File, _args: Arguments, session: Session) -> int:
    """Return the size in bytes."""
    session.solver.look_at(parent.node, parent.path, want="file")
    return session.trees.stat(parent.node, parent.path, follow=True).size


@FILE.field("File", "name")
def name(parent: File, _args: Arguments, session: Session) -> str:
    """Return the last part of the path."""
    session.solver.look_at(parent.node, parent.path, want="file")
    return posixpath.basename(parent.path)


@FILE.field("File", "stat")
def stat(parent: File, _args: Arguments, session: Session) -> object:
    """Return what is known of the file."""
    return session.trees.stat(parent.node, parent.path, follow=True)


@FILE.field("File", "digest")
def digest(parent: File, args: Arguments, session: Session) -> str:
    """Return the digest of contents, mode and owner, or of the contents alone."""
    session.solver.look_at(parent.node, parent.path, want="file")
    if args.get("excludeMetadata"):
        return session.trees.content_digest(parent.node, parent.path)
    return session.trees.digest(parent.node, parent.path)


@FILE.field("File", "export")
def export(parent: File, args: Arguments, session: Session) -> str:
    """Write the file to the host; returns the absolute path."""
    dest = session.host_path(args["path"], field="File.export")
    if dest.is_dir():
        if not args.get("allowParentDirPath"):
            raise EngineError(
                f'destination "{args["path"]}" is a directory; '
                "must be a file path unless allowParentDirPath is set"
            )
        dest /= posixpath.basename(parent.path)
    session.trees.export_file(parent.node, parent.path, dest)
    return str(dest)


@FILE.field("File", "withName")
def with_name(parent: File, args: Arguments, _session: Session) -> File:
    """Return the file under another name."""
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
def with_replaced(parent: File, args: Arguments, session: Session) -> File:
    """Replace text; which of several places must be said."""
    text = session.trees.read(parent.node, parent.path).decode()
    new = _replaced(text, args)
    mode = session.trees.stat(parent.node, parent.path, follow=True).permissions
    op = ops.NewFile(path=parent.path, contents=new.encode(), mode=mode, keep_mode=True)
    return File(node=Node.of(op, parent.node), path=parent.path)


def _replaced(text: str, args: Arguments) -> str:
    search: str = args["search"]
    replacement: str = args["replacement"]
    first: int | None = args.get("firstFrom")
    found = text.count(search) if search else 0
    if first is not None:
        lines = text.splitlines(keepends=True)
        at = text.find(search, sum(map(len, lines[: max(first - 1, 0)])))
        if not search or at < 0:
            raise EngineError(f"search string not found from line {first}")
        return text[:at] + replacement + text[at + len(search) :]
    if found == 0:
        raise EngineError("search string not found")
    if found > 1 and not args.get("all"):
        raise EngineError(f"search string found multiple times ({found}): give all or firstFrom")
    return text.replace(search, replacement)
