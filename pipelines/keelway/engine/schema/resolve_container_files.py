"""Fields of `Container` about its files and mounts."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.container import (
    Container,
    Mount,
    absolute,
    with_mount,
    without_mount,
)
from keelway.engine.graph.node import Node
from keelway.engine.graph.places import changed, directory_of, file_of, uncovered
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_container import base_name, expanded, path_of
from keelway.engine.schema.resolve_directory import check_name, new_mode

if TYPE_CHECKING:
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

FILES = Resolvers()


@FILES.field("Container", "rootfs")
def rootfs(parent: Container, _args: Arguments, _session: Session) -> Directory:
    """Return the root file system, without mounts."""
    return Directory(node=parent.tree)


@FILES.field("Container", "withRootfs")
def with_rootfs(parent: Container, args: Arguments, session: Session) -> Container:
    """Replace the root file system."""
    source = session.directory(args["directory"])
    return replace(parent, root=tree_of(source), image_ref="", exec=None)


def tree_of(directory: Directory) -> Node:
    """Return a directory as a tree of its own."""
    if directory.path == "/":
        return directory.node
    return Node.of(ops.Subtree(path=directory.path), directory.node)


@FILES.field("Container", "directory")
def directory(parent: Container, args: Arguments, _session: Session) -> Directory:
    """Return a directory, mounts included."""
    return directory_of(parent, path_of(parent, args), args["path"])


@FILES.field("Container", "file")
def file(parent: Container, args: Arguments, _session: Session) -> File:
    """Return a file, mounts included."""
    return file_of(parent, path_of(parent, args), args["path"])


@FILES.field("Container", "withDirectory")
def with_directory(parent: Container, args: Arguments, session: Session) -> Container:
    """Copy the contents of a directory in."""
    source = session.directory(args["source"])
    place = path_of(parent, args)
    return changed(
        uncovered(parent, place, file=True),
        place,
        lambda path, owner_input: ops.CopyTree(
            source=source.path,
            dest=path,
            include=tuple(args.get("include") or ()),
            exclude=tuple(args.get("exclude") or ()),
            gitignore=args.get("gitignore", False),
            owner=args.get("owner", ""),
            owner_input=owner_input,
        ),
        source.node,
    )


@FILES.field("Container", "withFile")
def with_file(parent: Container, args: Arguments, session: Session) -> Container:
    """Copy a file in."""
    return _with_file(parent, path_of(parent, args), _slash(args["path"]), args, session)


@FILES.field("Container", "withFiles")
def with_files(parent: Container, args: Arguments, session: Session) -> Container:
    """Copy files into a directory, each under its own name."""
    path = path_of(parent, args)
    for source in args["sources"]:
        place = f"{path.rstrip('/')}/{base_name(session.file(source).path)}"
        parent = _with_file(parent, place, "", {**args, "source": source}, session)
    return parent


def _slash(path: str) -> str:
    return "/" if path.endswith(("/", "/.")) or path in {"", "."} else ""


def _with_file(
    parent: Container, path: str, slash: str, args: Arguments, session: Session
) -> Container:
    source = session.file(args["source"])
    return changed(
        uncovered(parent, path),
        path,
        lambda inner, owner_input: ops.CopyFile(
            source=source.path,
            dest=inner.rstrip("/") + slash,
            owner=args.get("owner", ""),
            owner_input=owner_input,
            mode=args.get("permissions"),
        ),
        source.node,
    )


@FILES.field("Container", "withNewFile")
def with_new_file(parent: Container, args: Arguments, _session: Session) -> Container:
    """Write a file; a directory, or a path that ends in a slash, gets it under its own name."""
    place = path_of(parent, args)
    check_name(place)
    if posixpath.basename(posixpath.normpath(args["path"])) in {"", ".", ".."}:
        raise EngineError(f"failed to create new file {args['path']}: is a directory")
    if _slash(args["path"]):
        place = posixpath.join(place, base_name(place))
    return changed(
        uncovered(parent, place),
        place,
        lambda path, owner_input: ops.NewFile(
            path=path,
            contents=args["contents"].encode(),
            mode=new_mode(args),
            owner=args.get("owner", ""),
            owner_input=owner_input,
            placed=True,
        ),
    )


@FILES.field("Container", "withoutDirectory")
@FILES.field("Container", "withoutFile")
def without_path(parent: Container, args: Arguments, _session: Session) -> Container:
    """Remove what is at a path, which may be a pattern."""
    return _without(parent, path_of(parent, args))


@FILES.field("Container", "withoutFiles")
def without_files(parent: Container, args: Arguments, _session: Session) -> Container:
    """Remove what is at these paths."""
    for path in args["paths"]:
        parent = _without(parent, absolute(parent, expanded(parent, path, args)))
    return parent


def _without(parent: Container, path: str) -> Container:
    remove = ops.Remove
    return changed(uncovered(parent, path), path, lambda inner, _owner: remove(paths=(inner,)))


@FILES.field("Container", "withSymlink")
def with_symlink(parent: Container, args: Arguments, _session: Session) -> Container:
    """Make a symbolic link."""
    target = expanded(parent, args["target"], args)
    place = path_of(parent, args, "linkName")
    return changed(
        uncovered(parent, place),
        place,
        lambda path, _owner: ops.Symlink(target=target, path=path),
    )


@FILES.field("Container", "exists")
def exists(parent: Container, args: Arguments, session: Session) -> bool:
    """Say whether there is something at a path, and of the kind asked for."""
    found = directory_of(parent, path_of(parent, args))
    return session.trees.exists(
        found.node,
        found.path,
        kind=args.get("expectedType"),
        follow=not args.get("doNotFollowSymlinks", False),
    )


@FILES.field("Container", "stat")
def stat(parent: Container, args: Arguments, session: Session) -> object:
    """Return what is known of a path."""
    found = directory_of(parent, path_of(parent, args))
    follow = not args.get("doNotFollowSymlinks", False)
    return session.trees.stat(found.node, found.path, follow=follow)


# --- mounts ----------------------------------------------------------------------------------


def _owned(container: Container, node: Node, path: str, owner: str) -> Node:
    """Return the tree with `path` owned as asked, names looked up in the container."""
    if not owner:
        return node
    return Node.of(ops.Chown(path=path, owner=owner, owner_input=1), node, container.tree)


@FILES.field("Container", "withMountedDirectory")
def with_mounted_directory(parent: Container, args: Arguments, session: Session) -> Container:
    """Mount a copy of a directory: commands may write to it, the image never has it."""
    source = session.directory(args["source"])
    mount = Mount(
        target=path_of(parent, args),
        kind="directory",
        node=_owned(parent, source.node, source.path, args.get("owner", "")),
        path=source.path,
        readonly=args.get("readOnly", False),
    )
    return with_mount(parent, mount)


@FILES.field("Container", "withMountedFile")
def with_mounted_file(parent: Container, args: Arguments, session: Session) -> Container:
    """Mount a copy of a file."""
    source = session.file(args["source"])
    path = path_of(parent, args)
    if args["path"].endswith("/"):
        path = f"{path.rstrip('/')}/{base_name(source.path)}"
    mount = Mount(
        target=path,
        kind="file",
        node=_owned(parent, source.node, source.path, args.get("owner", "")),
        path=source.path,
    )
    return with_mount(parent, mount)


@FILES.field("Container", "withMountedCache")
def with_mounted_cache(parent: Container, args: Arguments, session: Session) -> Container:
    """Mount a cache volume; what is said of it here makes it another one."""
    volume = session.cache_volume(args["cache"])
    sharing = args.get("sharing", "SHARED")
    if sharing != "SHARED":
        volume = replace(volume, sharing=ops.Sharing(sharing))
    if args.get("source") is not None:
        volume = replace(volume, source=session.directory(args["source"]))
    # The same ids are the same volume, whatever they are called.
    owner = session.trees.owner(parent.tree, args.get("owner") or volume.owner)
    volume = replace(volume, owner=owner)
    mount = Mount(target=path_of(parent, args), kind="cache", cache=volume, owner=volume.owner)
    return with_mount(parent, mount)


@FILES.field("Container", "withMountedTemp")
def with_mounted_temp(parent: Container, args: Arguments, _session: Session) -> Container:
    """Mount a tmpfs that is empty for each command."""
    mount = Mount(target=path_of(parent, args), kind="temp", size=max(args.get("size") or 0, 0))
    return with_mount(parent, mount)


@FILES.field("Container", "withMountedSecret")
def with_mounted_secret(parent: Container, args: Arguments, session: Session) -> Container:
    """Mount a secret as a read-only file in memory."""
    secret = session.secret(args["source"])
    path = path_of(parent, args)
    kept = tuple(found for found in parent.secrets if found.path != path)
    new = ops.ExecSecret(
        identity=secret.identity,
        handle=secret.handle,
        path=path,
        owner=args.get("owner", ""),
        mode=args.get("mode", 0o400),
    )
    return replace(parent, secrets=(*kept, new))


@FILES.field("Container", "withoutMount")
def without_mount_at(parent: Container, args: Arguments, _session: Session) -> Container:
    """Take a mount away; what the root file system has there shows again."""
    path = path_of(parent, args)
    kept = tuple(found for found in parent.secrets if found.path != path)
    return replace(without_mount(parent, path), secrets=kept)


@FILES.field("Container", "mounts")
def mounts(parent: Container, _args: Arguments, session: Session) -> list[str]:
    """Return the targets of the mounts in order."""
    session.sync_container(parent)
    return [mount.target for mount in parent.mounts]


@FILES.field("Container", "withError")
def with_error(parent: Container, args: Arguments, _session: Session) -> Container:
    """Make every evaluation fail with this message; an empty one changes nothing."""
    return replace(parent, error=args["err"]) if args["err"] else parent
