"""Fields of `Query`: where every chain begins."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.container import Container
from keelway.engine.graph.image_config import parsed_platform
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import NewFile, Scratch, Sharing
from keelway.engine.graph.values import CacheVolume, Directory, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_directory import check_name

if TYPE_CHECKING:
    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

QUERY = Resolvers()


@QUERY.field("Query", "defaultPlatform")
def default_platform(_parent: object, _args: Arguments, session: Session) -> str:
    """Return this machine's platform."""
    return session.default_platform


@QUERY.field("Query", "container")
def container(_parent: object, args: Arguments, session: Session) -> Container:
    """Return an empty container for a platform."""
    platform = args.get("platform")
    if platform is None:
        return Container(platform=session.default_platform)
    parsed = parsed_platform(platform, session.default_platform)
    if parsed is None:
        raise EngineError(f'"{platform}": unknown operating system or architecture')
    return Container(platform=parsed, platform_given=True)


@QUERY.field("Query", "directory")
def directory(_parent: object, _args: Arguments, _session: Session) -> Directory:
    """Return the empty directory."""
    return Directory(node=Node.of(Scratch()))


@QUERY.field("Query", "file")
def file(_parent: object, args: Arguments, _session: Session) -> File:
    """Return a file made of its contents."""
    name = args["name"]
    if "/" in name or name in {"", ".", ".."}:
        raise EngineError(f'file name "{name}" must not contain a directory')
    check_name(name)
    op = NewFile(
        path=posixpath.join("/", name),
        contents=args["contents"].encode(),
        mode=args.get("permissions") or 0o644,
    )
    return File(node=Node.of(op, Node.of(Scratch())), path=op.path)


@QUERY.field("Query", "host")
def host(_parent: object, _args: Arguments, _session: Session) -> str:
    """Return the host; there is one."""
    return "host"


@QUERY.field("Query", "cacheVolume")
def cache_volume(_parent: object, args: Arguments, session: Session) -> CacheVolume:
    """Return the cache volume of a key."""
    source = args.get("source")
    return CacheVolume(
        key=args["key"],
        owner=args.get("owner", ""),
        sharing=Sharing(args.get("sharing", "SHARED")),
        source=None if source is None else session.directory(source),
    )


@QUERY.field("Query", "setSecret")
def set_secret(_parent: object, args: Arguments, session: Session) -> Secret:
    """Keep a value in memory; for caches it is known by its name."""
    name = args["name"]
    return session.new_secret(args["plaintext"].encode(), name=name, identity=f"name:{name}")
