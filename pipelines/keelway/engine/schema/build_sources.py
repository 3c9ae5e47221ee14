"""What `ADD` of a Dockerfile takes from elsewhere: files of the web, and git repositories.

A build secret may be meant for the server, told by its name (Dockerfile reference, "ADD", section
"Secrets"): `HTTP_AUTH_TOKEN_<host>`, `HTTP_AUTH_HEADER_<host>`, and for git `GIT_AUTH_TOKEN` and
`GIT_AUTH_HEADER`, both also with `.<host>` behind them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelway.engine.errors import EngineError
from keelway.engine.graph import ops
from keelway.engine.graph.git import GitKind, GitLogin, GitRef, GitRepository
from keelway.engine.graph.node import Node
from keelway.engine.graph.sources import GitTree, WebFile
from keelway.engine.schema.request import current_request
from keelway.engine.schema.resolve_git import address_of
from keelway.engine.schema.resolve_web import header_value
from keelway.engine.solve.gitssh import NO_SOCKET, is_ssh
from keelway.engine.store.address import Authorization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.dockerfile.remotes import GitAddress
    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.session import Session

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccess:
    """What a build was given to reach git servers with."""

    secrets: Sequence[Secret] = ()
    agent: str = ""
    """Path of an ssh agent's socket; the agent of the client's environment where empty."""


def web_file(session: Session, url: str, name: str, mode: int, secrets: Sequence[Secret]) -> Node:
    """Return a tree with just the file at a URL, as the server has it now.

    Raises:
        EngineError: The server was not reached, or did not answer with the file.
    """
    body = session.store.web.fetch(url, _authorization(session, url, secrets))
    return Node.of(WebFile(name=name, blob=body.digest, mode=mode, modified=body.modified))


def _authorization(session: Session, url: str, secrets: Sequence[Secret]) -> Authorization | None:
    host = urlsplit(url).hostname or ""
    for name, prefix in (("HTTP_AUTH_HEADER_", ""), ("HTTP_AUTH_TOKEN_", "Bearer ")):
        secret = _named(secrets, f"{name}{host}")
        if secret is not None:
            value = session.secret_value(secret.handle)
            return Authorization(
                value=prefix + header_value(value, what=f"{name}{host}"),
                identity=session.keyed_hash(value),
            )
    return None


def git_tree(
    session: Session,
    git: GitAddress,
    *,
    checksum: str,
    keep_git_dir: bool,
    access: GitAccess,
) -> Node:
    """Return the files of a repository, or of a folder of it.

    Raises:
        EngineError: It was not reached, has no such ref, or the ref is at another commit.
    """
    address, _ = address_of(git.address, session)
    repository = GitRepository(address=address, login=_login(address, access))
    wanted = git.ref or (checksum if _COMMIT.fullmatch(checksum) else "")
    kind = GitKind.COMMIT if _COMMIT.fullmatch(wanted) else GitKind.REF
    found = session.git.find(GitRef(repository=repository, kind=kind, name=wanted))
    if not found.commit.startswith(checksum):
        raise EngineError(f"expected checksum to match {checksum}, got {found.commit}")
    tree = Node.of(
        GitTree(
            commit=found.commit,
            source=session.git.source(repository),
            discard=not keep_git_dir,
            ref=found.ref if keep_git_dir and found.ref != found.commit else "",
            origin=address if keep_git_dir else "",
            submodules=git.submodules,
        )
    )
    return Node.of(ops.Subtree(path=f"/{git.subdir}"), tree) if git.subdir else tree


def _login(address: str, access: GitAccess) -> GitLogin:
    """Return how the server of an address is told who asks.

    Raises:
        EngineError: A command in a container builds from ssh, and gave no agent of its own.
    """
    nested = current_request().nested
    if not address.startswith(("http://", "https://")):
        if nested and is_ssh(address) and not access.agent:
            raise EngineError(f"git authentication failed: {NO_SOCKET}")
        return GitLogin(agent=access.agent, nested=nested)
    secrets = access.secrets
    host = urlsplit(address).hostname or ""
    names = (f".{host}", "")
    headers = [_named(secrets, f"GIT_AUTH_HEADER{end}") for end in names]
    tokens = [_named(secrets, f"GIT_AUTH_TOKEN{end}") for end in names]
    header = next((found.handle for found in headers if found is not None), "")
    token = next((found.handle for found in tokens if found is not None), "")
    return GitLogin(header=header, token="" if header else token, nested=nested)


def _named(secrets: Sequence[Secret], name: str) -> Secret | None:
    return next((secret for secret in secrets if secret.name == name), None)
