"""Fields of `Directory`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.node import Node
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside

if TYPE_CHECKING:
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

DIRECTORY = Resolvers()

_LONGEST_NAME = 255
_NEW_FILE = 0o644


def below(parent: Directory, path: str) -> str:
    """Return where `path` of a directory lies in its tree; `..` ends at the directory itself."""
    joined = "/" + posixpath.normpath(posixpath.join("/", path)).lstrip("/")
    return joined if parent.path == "/" else posixpath.normpath(parent.path + joined)


def _changed(parent: Directory, op: ops.Op, *sources: Node) -> Directory:
    return Directory(node=Node.of(op, parent.node, *sources), path=parent.path)


# --- looking ---------------------------------------------------------------------------------


@DIRECTORY.field("Directory", "entries")
def entries(parent: Directory, args: Arguments, session: Session) -> list[str]:
    """Return the names in a directory, sorted, those of directories with a slash."""
    path = args.get("path") or "."
    shown = path if path != "." else parent.asked
    return session.trees.entries(parent.node, below(parent, path), shown=shown)


@DIRECTORY.field("Directory", "glob")
def glob(parent: Directory, args: Arguments, session: Session) -> list[str]:
    """Return the paths that match a pattern."""
    return session.trees.glob(parent.node, parent.path, args["pattern"])


@DIRECTORY.field("Directory", "name")
def name(parent: Directory, _args: Arguments, session: Session) -> str:
    """Return the name with a slash."""
    session.solver.look_at(parent.node, parent.path, want="directory", shown=parent.asked)
    return posixpath.basename(parent.path) + "/"


@DIRECTORY.field("Directory", "directory")
def directory(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Return a directory in this one; whether it is there shows on evaluation."""
    path: str = args["path"]
    return Directory(node=parent.node, path=below(parent, path), asked=path)


@DIRECTORY.field("Directory", "file")
def file(parent: Directory, args: Arguments, _session: Session) -> File:
    """Return a file in this directory; whether it is there shows on evaluation."""
    path: str = args["path"]
    if not path:
        nothing = ops.Failure(message="stat : no such file or directory")
        return File(node=Node.of(nothing), path="/")
    return File(node=parent.node, path=below(parent, path), asked=path)


@DIRECTORY.field("Directory", "exists")
def exists(parent: Directory, args: Arguments, session: Session) -> bool:
    """Say whether there is something at a path, and of the kind asked for."""
    return bool(args["path"]) and session.trees.exists(
        parent.node,
        below(parent, args["path"]),
        kind=args.get("expectedType"),
        follow=not args.get("doNotFollowSymlinks", False),
    )


@DIRECTORY.field("Directory", "stat")
def stat(parent: Directory, args: Arguments, session: Session) -> object:
    """Return what is known of a path."""
    if not args["path"]:
        raise EngineError("stat : no such file or directory")
    follow = not args.get("doNotFollowSymlinks", False)
    return session.trees.stat(parent.node, below(parent, args["path"]), follow=follow)


@DIRECTORY.field("Directory", "findUp")
def find_up(parent: Directory, args: Arguments, session: Session) -> str | None:
    """Return the nearest file or folder of that name, at `start` or above, in this directory."""
    name: str = args["name"]
    if not name:
        raise EngineError("name cannot be empty")
    asked: str = args["start"]
    start = posixpath.normpath(asked or ".")
    if start == ".." or start.startswith("../"):
        raise EngineError(f"cannot search outside parent: {start}")
    session.solver.look_at(parent.node, below(parent, start), want="directory", shown=start)
    here: str = posixpath.join("/", start)
    while True:
        path = posixpath.normpath(posixpath.join(here, name))
        if session.trees.exists(parent.node, below(parent, path), kind=None, follow=False):
            return path.lstrip("/")
        if here == "/":
            return None
        here = posixpath.dirname(here)


@DIRECTORY.field("Directory", "digest")
def digest(parent: Directory, _args: Arguments, session: Session) -> str:
    """Return the digest of names, modes, owners and contents."""
    session.solver.look_at(parent.node, parent.path, want="directory", shown=parent.asked)
    return session.trees.digest(parent.node, parent.path)


@DIRECTORY.field("Directory", "export")
def export(parent: Directory, args: Arguments, session: Session) -> str:
    """Write the directory to the host; returns the absolute path."""
    container, wipe = inside(), args.get("wipe", False)
    if container is not None:
        session.solver.look_at(parent.node, parent.path, want="directory", shown=parent.asked)
        with session.trees.opened(parent.node, parent.path) as source:
            return container.write_folder(source, args["path"], wipe=wipe)
    dest = session.host_path(args["path"])
    session.trees.export_directory(parent.node, parent.path, dest, wipe=wipe)
    return str(dest)


# --- changing --------------------------------------------------------------------------------


def check_name(path: str) -> None:
    """Refuse a path for a new file that no file system can have.

    Raises:
        EngineError: A name in it is too long.
    """
    if any(len(part.encode()) > _LONGEST_NAME for part in path.split("/")):
        raise EngineError(
            f"File name length exceeds the maximum supported {_LONGEST_NAME} characters"
        )


def new_mode(args: Arguments) -> int:
    """Return the mode of a new file: who may read, write and execute, and no more than that."""
    permissions: int = args.get("permissions") or _NEW_FILE
    return permissions & 0o777


@DIRECTORY.field("Directory", "withNewFile")
def with_new_file(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Write a file; over an existing one its mode stays."""
    path = below(parent, args["path"])
    check_name(path)
    op = ops.NewFile(
        path=path,
        contents=args["contents"].encode(),
        mode=new_mode(args),
        keep_mode=True,
    )
    return _changed(parent, op)


@DIRECTORY.field("Directory", "withNewDirectory")
def with_new_directory(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Make a directory and its parents."""
    if posixpath.normpath(args["path"]).startswith("../"):
        raise EngineError(f"cannot create directory outside parent: {args['path']}")
    path = below(parent, args["path"])
    return _changed(
        parent,
        ops.NewDirectory(path=path, mode=(args.get("permissions", 0o644) or 0o755) & 0o777),
    )


@DIRECTORY.field("Directory", "withFile")
def with_file(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Copy a file in."""
    return _with_file(parent, args["path"], session.file(args["source"]), args)


@DIRECTORY.field("Directory", "withFiles")
def with_files(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Copy files into a directory, each under its own name."""
    for source in args["sources"]:
        parent = _with_file(parent, args["path"].rstrip("/") + "/", session.file(source), args)
    return parent


def _with_file(parent: Directory, path: str, source: File, args: Arguments) -> Directory:
    slash = "/" if path.endswith(("/", "/.")) or path in {"", "."} else ""
    op = ops.CopyFile(
        source=source.path,
        dest=below(parent, path).rstrip("/") + slash,
        owner=args.get("owner", ""),
        mode=args.get("permissions"),
    )
    return _changed(parent, op, source.node)


@DIRECTORY.field("Directory", "withDirectory")
def with_directory(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Copy the contents of a directory in."""
    source = session.directory(args["source"])
    op = ops.CopyTree(
        source=source.path,
        dest=below(parent, args["path"]),
        include=tuple(args.get("include") or ()),
        exclude=tuple(args.get("exclude") or ()),
        gitignore=args.get("gitignore", False),
        owner=args.get("owner", ""),
        mode=args.get("permissions"),
    )
    return _changed(parent, op, source.node)


@DIRECTORY.field("Directory", "filter")
def filter_(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Return the directory with only what the patterns leave."""
    op = ops.CopyTree(
        source=parent.path,
        dest="/",
        include=tuple(args.get("include") or ()),
        exclude=tuple(args.get("exclude") or ()),
        gitignore=args.get("gitignore", False),
    )
    return Directory(node=Node.of(op, Node.of(ops.Scratch()), parent.node))


@DIRECTORY.field("Directory", "withoutFile")
@DIRECTORY.field("Directory", "withoutDirectory")
def without_path(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Remove what is at a path, which may be a pattern."""
    return _changed(parent, ops.Remove(paths=(below(parent, args["path"]),)))


@DIRECTORY.field("Directory", "withoutFiles")
def without_files(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Remove what is at these paths."""
    return _changed(parent, ops.Remove(paths=tuple(below(parent, path) for path in args["paths"])))


@DIRECTORY.field("Directory", "withSymlink")
def with_symlink(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Make a symbolic link."""
    op = ops.Symlink(target=args["target"], path=below(parent, args["linkName"]))
    return _changed(parent, op)


@DIRECTORY.field("Directory", "chown")
def chown(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Give everything below a path to an owner."""
    if not args["owner"]:
        raise EngineError("failed to parse ownership : no such user: ")
    return _changed(parent, ops.Chown(path=below(parent, args["path"]), owner=args["owner"]))


@DIRECTORY.field("Directory", "withTimestamps")
def with_timestamps(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Set the times of everything."""
    return _changed(parent, ops.Timestamps(path=parent.path, seconds=args["timestamp"]))


@DIRECTORY.field("Directory", "diff")
def diff(parent: Directory, args: Arguments, session: Session) -> Directory:
    """Return what the other directory adds or changes."""
    other = session.directory(args["other"])
    op = ops.Difference(lower=parent.path, upper=other.path)
    return Directory(node=Node.of(op, parent.node, other.node))


@DIRECTORY.field("Directory", "withError")
def with_error(parent: Directory, args: Arguments, _session: Session) -> Directory:
    """Make every evaluation fail with this message; an empty one changes nothing."""
    if not args["err"]:
        return parent
    return Directory(node=Node.of(ops.Failure(message=args["err"])))
