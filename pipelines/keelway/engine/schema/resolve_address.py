"""`Address`: texts that name things elsewhere, read as the command line reads them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError
from keelway.engine.graph.container import Container
from keelway.engine.graph.git import GitKind, GitRef
from keelway.engine.graph.records import Address
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema import resolve_git, resolve_host, resolve_image, resolve_secret
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_directory import below

if TYPE_CHECKING:
    from keelway.engine.graph.git import GitRepository
    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

ADDRESS = Resolvers()
ADDRESS.record("Address", "value")

_REMOTE = ("https://", "http://", "ssh://", "git://", "git@")


@ADDRESS.field("Query", "address")
def address(_parent: object, args: Arguments, _session: Session) -> Address:
    """Return an address; what it names is asked of it."""
    return Address(value=args["value"])


@ADDRESS.field("Address", "container")
def container(parent: Address, _args: Arguments, session: Session) -> Container:
    """Return the image at a registry's address."""
    empty = Container(platform=session.default_platform)
    return resolve_image.from_(empty, {"address": parent.value}, session)


@ADDRESS.field("Address", "secret")
def secret(parent: Address, _args: Arguments, session: Session) -> Secret:
    """Return the secret of a URI."""
    return resolve_secret.secret(None, {"uri": parent.value}, session)


@ADDRESS.field("Address", "gitRepository")
def git_repository(parent: Address, _args: Arguments, session: Session) -> GitRepository:
    """Return the repository at a URL."""
    return resolve_git.git(None, {"url": parent.value.partition("#")[0]}, session)


@ADDRESS.field("Address", "gitRef")
def git_ref(parent: Address, _args: Arguments, session: Session) -> GitRef:
    """Return the ref of `URL#REF`, HEAD without one."""
    ref, _ = _fragment(parent)
    repository = git_repository(parent, {}, session)
    kind = GitKind.REF if ref else GitKind.HEAD
    return GitRef(repository=repository, kind=kind, name=ref)


def _fragment(address: Address) -> tuple[str, str]:
    """Return ref and path of `URL#REF:PATH`."""
    ref, _, path = address.value.partition("#")[2].partition(":")
    return ref, path


def _is_remote(address: Address) -> bool:
    return address.value.startswith(_REMOTE)


@ADDRESS.field("Address", "directory")
def directory(parent: Address, args: Arguments, session: Session) -> Directory:
    """Return a directory of the host, or of a repository: `URL#REF:PATH`."""
    if _is_remote(parent):
        tree = resolve_git.ref_tree(git_ref(parent, {}, session), session, discard=False)
        return Directory(node=tree.node, path=below(tree, _fragment(parent)[1]))
    return resolve_host.directory(None, _with_path(args, parent), session)


@ADDRESS.field("Address", "file")
def file(parent: Address, args: Arguments, session: Session) -> File:
    """Return a file of the host, or of a repository: `URL#REF:PATH`."""
    if _is_remote(parent):
        path = _fragment(parent)[1]
        if not path:
            raise EngineError(f"{parent.value}: write which file, as in URL#REF:PATH")
        tree = resolve_git.ref_tree(git_ref(parent, {}, session), session, discard=True)
        return File(node=tree.node, path=posixpath.join("/", posixpath.normpath(f"/{path}")))
    return resolve_host.file(None, _with_path(args, parent), session)


def _with_path(args: Arguments, parent: Address) -> dict[str, Any]:
    return {**args, "path": parent.value.removeprefix("file://")}
