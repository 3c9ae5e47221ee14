"""Google's Artifact Registry and Container Registry: an access token beside `oauth2accesstoken`.

The token comes from a service account's key by the JWT grant (Google Identity, "Using OAuth 2.0
for server to server applications"), from gcloud, or from the metadata server of a machine.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keelway.errors import PlanError
from keelway.registry.content import json_object
from keelway.registry.logins import Login
from keelway.registry.providers.asking import exchange, metadata, now, output_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.registry.providers.given import Given

_USER = "oauth2accesstoken"
_WHAT = "an access token of Google"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_METADATA_HOST = "metadata.google.internal"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_LASTS_S = 3600.0


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing where nobody gives one.

    Raises:
        PlanError: The key is none, or gcloud is there and gives no token.
        RegistryError: Google refuses, or does not answer.
    """
    if given.password is not None:
        key = _key(given.password)
        return _login(given.password, None) if key is None else await _by_key(key)
    file = given.variables.get("GOOGLE_APPLICATION_CREDENTIALS")
    key = None if file is None else await _read_key(file)
    if key is not None:
        return await _by_key(key)
    return await _by_program() or await _by_metadata(given)


def _key(text: str) -> Mapping[str, Any] | None:
    """Return a service account's key; nothing when the text is something else."""
    try:
        document = json_object(text)
    except ValueError:
        return None
    return document if document.get("type") == "service_account" else None


async def _read_key(file: str) -> Mapping[str, Any] | None:
    try:
        return _key(await anyio.Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(
            f"GOOGLE_APPLICATION_CREDENTIALS names {file}, which cannot be read", why=str(error)
        ) from error


async def _by_key(key: Mapping[str, Any]) -> Login:
    where = str(key.get("token_uri") or _TOKEN_URI)
    form = {"grant_type": _GRANT, "assertion": _assertion(key, where)}
    answer = await exchange(httpx.Request("POST", where, data=form), what=_WHAT)
    return _login(text_of(answer, "access_token", what=_WHAT), answer.get("expires_in"))


def _assertion(key: Mapping[str, Any], where: str) -> str:
    """Return the signed JWT that stands for a service account (RFC 7523).

    Raises:
        PlanError: The key is none.
    """
    try:
        private = load_pem_private_key(str(key["private_key"]).encode(), password=None)
        issuer = str(key["client_email"])
    except (KeyError, ValueError, TypeError) as error:
        raise PlanError(
            "the service account's key cannot be used",
            next_step="give the whole JSON file, as Google made it",
        ) from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise PlanError("the service account's key is none of RSA")
    header = {"alg": "RS256", "typ": "JWT", "kid": key.get("private_key_id")}
    began = int(now())
    claims = {
        "iss": issuer, "scope": _SCOPE, "aud": where, "iat": began, "exp": began + int(_LASTS_S),
    }  # fmt: skip
    signed = f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(claims).encode())}"
    signature = private.sign(signed.encode(), padding.PKCS1v15(), SHA256())
    return f"{signed}.{_base64(signature)}"


async def _by_program() -> Login | None:
    token = await output_of(("gcloud", "auth", "print-access-token"), what=_WHAT)
    return None if token is None else _login(token, None)


async def _by_metadata(given: Given) -> Login | None:
    host = given.variables.get("GCE_METADATA_HOST") or _METADATA_HOST
    flavor = {"Metadata-Flavor": "Google"}
    answer = await metadata(f"http://{host}{_METADATA_PATH}", headers=flavor)
    if answer is None:
        return None
    return _login(text_of(answer, "access_token", what=_WHAT), answer.get("expires_in"))


def _login(token: str, lasts_s: object) -> Login:
    known = float(lasts_s) if isinstance(lasts_s, int | float) else _LASTS_S
    return Login(username=_USER, password=token, expires_at=now() + known)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
