"""Secrets by URI, and the fields of `Secret`."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from keelway.engine.errors import EngineError, Unsupported
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import own_client

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

SECRET = Resolvers()

_ELSEWHERE = {"op", "vault", "libsecret", "gcp", "aws+sm", "aws+ps"}


@SECRET.field("Query", "secret")
def secret(_parent: object, args: Arguments, session: Session) -> Secret:
    """Read a secret from the client's machine: `env://NAME`, `file://PATH` or `cmd://COMMAND`."""
    uri = args["uri"]
    provider, separator, rest = uri.partition("://")
    if not separator or not provider:
        raise EngineError(f"secret URI {_hidden(uri)}: malformed id")
    where, _, query = rest.partition("?")
    value = _read(provider, where, session)
    key = args.get("cacheKey") or "".join(parse_qs(query).get("cacheKey", ()))
    identity = f"key:{key}" if key else f"value:{session.keyed_hash(value)}"
    return session.new_secret(value, uri=uri, identity=identity)


def _read(provider: str, where: str, session: Session) -> bytes:
    own_client("Query.secret")
    match provider:
        case "env":
            value = os.environ.get(where)
            if value is None:
                raise EngineError(f'secret env var not found: "{_hidden(where)}"')
            return value.encode("utf-8", "surrogateescape")
        case "file":
            return _read_file(session.host_path(where, field="Query.secret"))
        case "cmd":
            return _run(where, session.workdir)
        case _ if provider in _ELSEWHERE:
            raise Unsupported(
                f"secrets by {provider}:// are not read by the local engine; "
                "use cmd:// with that store's own command-line program"
            )
        case _:
            raise EngineError(f'unsupported secret provider: "{provider}"')


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EngineError(f"failed to read secret file {path}: {reason}") from error


def _run(command: str, workdir: Path) -> bytes:
    done = subprocess.run(  # noqa: S602 - the URI is a shell command, as Dagger's cmd:// is
        command, shell=True, cwd=workdir, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise EngineError(f"failed to run secret command: exit code {done.returncode}")
    return done.stdout


def _hidden(name: str) -> str:
    """Return the first letters: people paste values where names belong."""
    return name if len(name) <= 3 else f"{name[:3]}..."  # noqa: PLR2004 - as Dagger shows it


@SECRET.field("Secret", "name")
def name(parent: Secret, _args: Arguments, _session: Session) -> str:
    """Return the name that the secret was set under."""
    return parent.name


@SECRET.field("Secret", "uri")
def uri(parent: Secret, _args: Arguments, _session: Session) -> str:
    """Return the URI that the secret was read from."""
    return parent.uri


@SECRET.field("Secret", "plaintext")
def plaintext(parent: Secret, _args: Arguments, session: Session) -> str:
    """Return the value."""
    return session.secret_value(parent.handle).decode("utf-8", "replace")
