"""HashiCorp Vault: a field of a secret in its key/value store, version 2.

`VAULT_ADDR` says where it is. Who asks is said by `VAULT_APPROLE_ROLE_ID` and
`VAULT_APPROLE_SECRET_ID` (mounted at `VAULT_APPROLE_MOUNT_PATH`, `approle`), else by `VAULT_TOKEN`,
else by the token that `vault login` left in `~/.vault-token`. `VAULT_PATH_PREFIX` is where the
secrets are mounted (`secret`); `VAULT_NAMESPACE` and `VAULT_CACERT` mean what they mean to Vault.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import Request

from keelway.secretstores.exchange import RefusedError, StoreError, ask, within

if TYPE_CHECKING:
    from collections.abc import Mapping

_STORE = "Vault"
_DEFAULT_ADDRESS = "https://127.0.0.1:8200"
_FORBIDDEN, _MISSING = 403, 404


def read_field(place: str, environment: Mapping[str, str]) -> bytes:
    """Return a field's value.

    Args:
        place: `PATH.FIELD`, as in `shop/production.password`. A query, such as Dagger's `ttl`, says
            nothing here: each secret is read once.
        environment: Where Vault is, and who asks.

    Raises:
        StoreError: It is not there, or may not be read.
    """
    path, separator, field = place.partition("?")[0].partition(".")
    if not path or not separator or not field or "." in field:
        raise StoreError("an address in Vault is vault://PATH.FIELD, with one dot")
    mount = environment.get("VAULT_PATH_PREFIX") or "secret"
    token = _token(environment)
    where = f"{quote(mount.strip('/'))}/data/{quote(path.strip('/'))}"
    try:
        answer = _ask(environment, where, token=token)
    except RefusedError as error:
        raise StoreError(_explained(error, f"{mount}/{path}")) from error
    value = within(answer, "data", "data", field)
    if value is None:
        raise StoreError(f"{mount}/{path} in Vault has no field {field}")
    if not isinstance(value, str):
        raise StoreError(f"the field {field} of {mount}/{path} in Vault is no text")
    return value.encode()


def _token(environment: Mapping[str, str]) -> str:
    role = environment.get("VAULT_APPROLE_ROLE_ID")
    if role:
        return _logged_in(role, environment)
    token = environment.get("VAULT_TOKEN") or _kept_token(environment)
    if token is None:
        raise StoreError(
            "nobody is logged in to Vault: set VAULT_TOKEN, or VAULT_APPROLE_ROLE_ID and"
            " VAULT_APPROLE_SECRET_ID, or run `vault login`"
        )
    return token


def _kept_token(environment: Mapping[str, str]) -> str | None:
    """Return what `vault login` left."""
    home = environment.get("HOME")
    try:
        kept = (Path(home) / ".vault-token").read_text(encoding="utf-8") if home else ""
    except OSError:
        return None
    return kept.strip() or None


def _logged_in(role: str, environment: Mapping[str, str]) -> str:
    """Return the token that Vault lends to a role."""
    secret = environment.get("VAULT_APPROLE_SECRET_ID")
    if not secret:
        raise StoreError("VAULT_APPROLE_ROLE_ID is set, and VAULT_APPROLE_SECRET_ID is not")
    mount = environment.get("VAULT_APPROLE_MOUNT_PATH") or "approle"
    body = json.dumps({"role_id": role, "secret_id": secret}).encode()
    try:
        answer = _ask(environment, f"auth/{quote(mount.strip('/'))}/login", body=body)
    except RefusedError as error:
        raise StoreError(f"Vault does not let the role in (HTTP {error.status})") from error
    token = within(answer, "auth", "client_token")
    if not isinstance(token, str):
        raise StoreError("Vault let the role in, and gave it no token")
    return token


def _ask(
    environment: Mapping[str, str],
    path: str,
    *,
    token: str | None = None,
    body: bytes | None = None,
) -> dict[str, Any]:
    address = environment.get("VAULT_ADDR") or _DEFAULT_ADDRESS
    if urlsplit(address).scheme not in {"http", "https"}:
        raise StoreError("VAULT_ADDR is no address of http or https")
    headers = {"X-Vault-Request": "true"}
    if token is not None:
        headers["X-Vault-Token"] = token
    if environment.get("VAULT_NAMESPACE"):
        headers["X-Vault-Namespace"] = environment["VAULT_NAMESPACE"]
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = Request(  # noqa: S310 - http or https, see above
        f"{address.rstrip('/')}/v1/{path}",
        data=body,
        headers=headers,
        method="GET" if body is None else "POST",
    )
    return ask(request, store=_STORE, certificates=environment.get("VAULT_CACERT") or None)


def _explained(error: RefusedError, path: str) -> str:
    if error.status == _FORBIDDEN:
        return f"Vault does not let this token read {path}, or the token has expired"
    if error.status == _MISSING:
        return f"Vault has no secret {path}, or its newest version was deleted"
    return f"Vault answered HTTP {error.status} for {path}"
