"""Fields of `Host`: the client's files."""

from __future__ import annotations

import posixpath
import secrets
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.node import Node
from keelway.engine.graph.sources import HostFile, HostTree
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

HOST = Resolvers()


@HOST.field("Host", "directory")
def directory(_parent: object, args: Arguments, session: Session) -> Directory:
    """Return a folder of the host as it is now, and stays for this session."""
    op = HostTree(
        path=str(_place(args, session)),
        include=_local(args.get("include") or ()),
        exclude=_local(args.get("exclude") or ()),
        gitignore=args.get("gitignore", False),
        read=_reading(args),
    )
    return Directory(node=Node.of(op))


def _local(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that can match in a folder: absolute and upward ones do not count.

    The folder itself means everything in it.
    """
    found: list[str] = []
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        clean = posixpath.normpath(bare) if bare else ".."
        if not clean.startswith("/") and clean != ".." and not clean.startswith("../"):
            found.append(pattern.removesuffix(bare) + ("*" if clean == "." else bare))
    return tuple(found)


@HOST.field("Host", "file")
def file(_parent: object, args: Arguments, session: Session) -> File:
    """Return a file of the host."""
    path = _place(args, session, file=True)
    op = HostFile(path=str(path), read=_reading(args))
    return File(node=Node.of(op), path=f"/{path.name}")


def _place(args: Arguments, session: Session, *, file: bool = False) -> Path:
    """Return the path that is meant, or that of a copy of what a container's command means."""
    container = inside()
    if container is None:
        return session.host_path(args["path"])
    copied = container.file if file else container.folder
    return copied(args["path"], fresh=bool(args.get("noCache")))


def _reading(args: Arguments) -> str:
    return secrets.token_hex(8) if args.get("noCache") else ""


@HOST.field("Host", "findUp")
def find_up(_parent: object, args: Arguments, session: Session) -> str | None:
    """Return the nearest file or folder of that name, here or above, relative to here."""
    name: str = args["name"]
    if "/" in name or not name:
        raise EngineError(f"findUp looks for a name, not for a path: {name!r}")
    container = inside()
    if container is not None:
        return container.find_up(name)
    for up, folder in enumerate((session.workdir, *session.workdir.parents)):
        if (folder / name).exists():
            return "../" * up + name
    return None
