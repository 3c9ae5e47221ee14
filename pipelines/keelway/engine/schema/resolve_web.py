"""`Query.http`: a file of the web."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.node import Node
from keelway.engine.graph.sources import WebFile
from keelway.engine.graph.values import File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.store.address import Authorization, file_name, shown
from keelway.engine.store.dialled import Server

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session
    from keelway.engine.store.dialled import Dial
    from keelway.engine.store.web import Body

WEB = Resolvers()

_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


@WEB.field("Query", "http")
def http(_parent: object, args: Arguments, session: Session) -> File:
    """Return the file at a URL; what the server has now counts for the whole session."""
    url: str = args["url"]
    name: str = args.get("name") or file_name(url)
    if "/" in name or name in {".", ".."}:
        raise EngineError(f"file name {name!r} must not contain a directory")
    checksum: str = args.get("checksum") or ""
    if checksum and not _CHECKSUM.fullmatch(checksum):
        raise EngineError(f'invalid checksum "{checksum}": write sha256: and 64 hex digits')
    body = _fetch(url, args, session)
    if checksum:
        found = _digest(body, checksum.partition(":")[0], session)
        if found != checksum:
            raise EngineError(
                f"http checksum mismatch for {shown(url)}: got {found}, expected {checksum}"
            )
    op = WebFile(
        name=name,
        blob=body.digest,
        mode=args.get("permissions", 0o600),
        modified=body.modified,
    )
    return File(node=Node.of(op), path=f"/{name}")


def _digest(body: Body, algorithm: str, session: Session) -> str:
    """Return the digest of what was fetched, by any of the algorithms of checksums."""
    if body.digest.startswith(f"{algorithm}:"):
        return body.digest
    with session.store.blobs.path(body.digest).open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _fetch(url: str, args: Arguments, session: Session) -> Body:
    authorization = _authorization(args, session)
    if args.get("experimentalServiceHost") is None:
        return session.store.web.fetch(url, authorization)
    service = session.service(args["experimentalServiceHost"])

    @contextmanager
    def opened() -> Generator[Dial]:
        with session.solver.machine.way(service.node) as way:
            yield way.dial

    server = Server(identity=service.node.digest, opened=opened)
    return session.store.web.fetch(url, authorization, server)


def _authorization(args: Arguments, session: Session) -> Authorization | None:
    if args.get("authHeader") is None:
        return None
    secret = session.secret(args["authHeader"])
    value = session.secret_value(secret.handle)
    return Authorization(
        value=header_value(value, what="authHeader"), identity=session.keyed_hash(value)
    )


def header_value(value: bytes, *, what: str) -> str:
    """Return a secret as the value of a header; a final newline, as files have it, goes.

    Raises:
        EngineError: It has characters that would end the header.
    """
    text = value.decode("utf-8", "replace").rstrip("\r\n")
    if any(char in text for char in "\r\n\0"):
        raise EngineError(f"the secret of {what} has several lines: a header has just one")
    return text
