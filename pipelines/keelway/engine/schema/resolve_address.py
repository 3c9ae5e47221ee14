"""`Address`: texts that name things elsewhere, read as the command line reads them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keelway.engine.errors import EngineError, Unsupported
from keelway.engine.graph.container import Container
from keelway.engine.graph.git import GitKind, GitRef
from keelway.engine.graph.records import Address
from keelway.engine.graph.values import Directory, File
from keelway.engine.schema import (
    resolve_git,
    resolve_host,
    resolve_image,
    resolve_secret,
    resolve_service,
    resolve_sockets,
)
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_directory import below

if TYPE_CHECKING:
    from typing import NoReturn

    from keelway.engine.graph.git import GitRepository
    from keelway.engine.graph.service import Service
    from keelway.engine.graph.sockets import Socket
    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

ADDRESS = Resolvers()
ADDRESS.record("Address", "value")

_REMOTE = re.compile(r"(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:(?!//)")


@ADDRESS.field("Query", "address")
def address(_parent: object, args: Arguments, _session: Session) -> Address:
    """Return an address; what it names is asked of it."""
    if not args["value"]:
        raise EngineError("resource cannot have empty address")
    return Address(value=args["value"])


@ADDRESS.field("Address", "container")
def container(parent: Address, _args: Arguments, session: Session) -> Container:
    """Return the image at a registry's address."""
    empty = Container(platform=session.default_platform)
    return resolve_image.from_(empty, {"address": parent.value}, session)


@ADDRESS.field("Address", "secret")
def secret(parent: Address, _args: Arguments, session: Session) -> Secret:
    """Return the secret of a URI; a name alone is a variable's, `env:NAME` means `env://NAME`."""
    provider, colon, rest = parent.value.partition(":")
    uri = f"{provider}://{rest.removeprefix('//')}" if colon else f"env://{parent.value}"
    return resolve_secret.secret(None, {"uri": uri}, session)


@ADDRESS.field("Address", "service")
def service(parent: Address, _args: Arguments, session: Session) -> Service:
    """Return what listens at `tcp://HOST:PORT`, as the host reaches it."""
    parts = urlsplit(parent.value)
    if parts.scheme not in {"tcp", "udp"}:
        raise EngineError(
            f'unsupported service address: "{parts.scheme}". Must be a valid tcp:// or udp:// URL'
        )
    port = {"backend": _port(parent), "protocol": parts.scheme.upper()}
    return resolve_service.of_host(None, {"host": parts.hostname, "ports": [port]}, session)


def _port(address: Address) -> int:
    try:
        port = urlsplit(address.value).port
    except ValueError:
        port = None
    if port is None:
        raise EngineError(f"address {address.value}: missing port in address")
    return port


@ADDRESS.field("Address", "socket")
def socket(parent: Address, _args: Arguments, session: Session) -> Socket:
    """Return the socket of the host at `unix://PATH`, or at a path."""
    path = parent.value.removeprefix("unix://")
    return resolve_sockets.unix_socket(None, {"path": path}, session)


@ADDRESS.field("Address", "volume")
def volume(parent: Address, _args: Arguments, _session: Session) -> NoReturn:
    """Refuse: there are no volumes of other machines."""
    if not parent.value.startswith("sshfs://"):
        raise EngineError(f'unsupported volume address "{parent.value}": must use sshfs://')
    raise Unsupported(
        "Address.volume is not supported by the local engine: it mounts no sshfs; mount the files "
        "on this machine and use Host.directory, or copy them by rsync in a command"
    )


@ADDRESS.field("Address", "gitRepository")
def git_repository(parent: Address, _args: Arguments, session: Session) -> GitRepository:
    """Return the repository at a URL, or in a directory of the host."""
    ref, path = _fragment(parent)
    for found, kind in ((ref, "ref"), (path, "subdir")):
        if found and _is_remote(parent):
            raise EngineError(f"git repository address cannot contain {kind}")
    return _repository(parent, session)


def _repository(address: Address, session: Session) -> GitRepository:
    place = address.value.partition("#")[0]
    if _is_remote(address):
        return resolve_git.git(None, {"url": place}, session)
    folder = resolve_host.directory(None, {"path": place.removeprefix("file://")}, session)
    return resolve_git.as_git(folder, {}, session)


@ADDRESS.field("Address", "gitRef")
def git_ref(parent: Address, _args: Arguments, session: Session) -> GitRef:
    """Return the ref of `URL#REF`, HEAD without one."""
    if _fragment(parent)[1]:
        raise EngineError("git ref address cannot contain subdir")
    return _ref(parent, session)


def _ref(address: Address, session: Session) -> GitRef:
    ref, _ = _fragment(address)
    kind = GitKind.REF if ref else GitKind.HEAD
    return GitRef(repository=_repository(address, session), kind=kind, name=ref)


def _fragment(address: Address) -> tuple[str, str]:
    """Return ref and path of `URL#REF:PATH`."""
    ref, _, path = address.value.partition("#")[2].partition(":")
    return ref, path


def _is_remote(address: Address) -> bool:
    return _REMOTE.match(address.value) is not None


@ADDRESS.field("Address", "directory")
def directory(parent: Address, args: Arguments, session: Session) -> Directory:
    """Return a directory of the host, or of a repository: `URL#REF:PATH`."""
    if _is_remote(parent):
        tree = resolve_git.ref_tree(_ref(parent, session), session, discard=False)
        return Directory(node=tree.node, path=below(tree, _fragment(parent)[1]))
    return resolve_host.directory(None, _with_path(args, parent), session)


@ADDRESS.field("Address", "file")
def file(parent: Address, args: Arguments, session: Session) -> File:
    """Return a file of the host, or of a repository: `URL#REF:PATH`."""
    if _is_remote(parent):
        path = _fragment(parent)[1]
        if not path:
            raise EngineError(
                f"no file path specified within git repository: {parent.value}; "
                "write it as in URL#REF:PATH"
            )
        tree = resolve_git.ref_tree(_ref(parent, session), session, discard=True)
        return File(node=tree.node, path=posixpath.join("/", posixpath.normpath(f"/{path}")))
    return resolve_host.file(None, _with_path(args, parent), session)


def _with_path(args: Arguments, parent: Address) -> dict[str, Any]:
    return {**args, "path": parent.value.removeprefix("file://")}
