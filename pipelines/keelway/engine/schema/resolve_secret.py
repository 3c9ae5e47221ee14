"""Secrets by URI, and the fields of `Secret`."""

from __future__ import annotations

import os
import secrets
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from keelway.engine.errors import EngineError, Unsupported
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside
from keelway.secretstores.exchange import StoreError
from keelway.secretstores.reading import STORES, read_from_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.engine.graph.values import Secret
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

SECRET = Resolvers()

_HERE = {"env", "file", "cmd"} | STORES
_ELSEWHERE = {"op", "libsecret", "gcp"}


@SECRET.field("Query", "secret")
def secret(_parent: object, args: Arguments, session: Session) -> Secret:
    """Read a secret from the client's machine: `env://NAME`, `file://PATH` or `cmd://COMMAND`.

    Or from a store that its environment leads to: `vault://`, `aws+sm://` and `aws+ps://`.
    One that can't be read is an error when its value is needed, not before.
    """
    uri: str = args["uri"]
    provider, separator, rest = uri.partition("://")
    if not separator or not provider:
        raise EngineError(f"secret URI {_hidden(uri)}: malformed id")
    if provider not in _HERE | _ELSEWHERE:
        raise EngineError(f'unsupported secret provider: "{provider}"')
    where, key = _without_key(rest)
    key = args.get("cacheKey") or key
    value: bytes | EngineError
    try:
        value = _read(provider, where, session)
    except EngineError as error:
        value = error
        identity = f"none:{secrets.token_hex(8)}"
    else:
        identity = f"value:{session.keyed_hash(value)}"
    return session.new_secret(value, uri=uri, identity=f"key:{key}" if key else identity)


def _without_key(place: str) -> tuple[str, str]:
    """Return a place without `cacheKey` of the query behind it, and that key, or ""."""
    where, _, query = place.rpartition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    keys = [value for name, value in pairs if name == "cacheKey"]
    if not where or not keys:
        return place, ""
    others = urlencode([pair for pair in pairs if pair[0] != "cacheKey"])
    return (f"{where}?{others}" if others else where), keys[0]


def _read(provider: str, where: str, session: Session) -> bytes:
    container = inside()
    match provider:
        case "env":
            value = (os.environ if container is None else container.env).get(where)
            if value is None:
                raise EngineError(f'secret env var not found: "{_hidden(where)}"')
            return value.encode("utf-8", "surrogateescape")
        case "file" if container is not None:
            return container.read(where)
        case "file":
            return _read_file(session.host_path(where))
        case "cmd" if container is not None:
            return container.output(where)
        case "cmd":
            return _run(where, session.workdir)
        case _ if provider in STORES:
            return _read_stored(provider, where, os.environ if container is None else container.env)
        case _:
            raise Unsupported(
                f"secrets by {provider}:// are not read by the local engine; "
                "use cmd:// with that store's own command-line program"
            )


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


def _read_stored(provider: str, where: str, environment: Mapping[str, str]) -> bytes:
    try:
        return read_from_store(provider, where, environment)
    except StoreError as error:
        raise EngineError(str(error)) from error


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
