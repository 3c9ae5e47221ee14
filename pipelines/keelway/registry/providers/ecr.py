"""Amazon ECR: the password is a token that GetAuthorizationToken gives for twelve hours.

Keys in the environment sign the request here, without any program. Profiles, single sign-on and
the roles of machines are the business of `aws`, which gives the same token by `aws ecr
get-login-password`. A `docker-credential-ecr-login` that Docker's configuration names goes first.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from keelway.errors import RegistryError
from keelway.registry.logins import Login
from keelway.registry.providers.asking import STAGE, exchange, now, output_of
from keelway.registry.providers.known import ECR_HOST, ECR_PUBLIC
from keelway.secretstores.aws_signature import AwsKeys, signed_headers

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given

_USER = "AWS"
_WHAT = "a token for ECR"
_LASTS_S = 12 * 3600.0
_PUBLIC_REGION = "us-east-1"
_JSON = "application/x-amz-json-1.1"


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing where nobody gives one.

    Raises:
        PlanError: `aws` is there and gives none.
        RegistryError: Amazon refuses, or does not answer.
    """
    region, public = _place(given.host)
    key, secret = (
        given.variables.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    )
    if key is not None and secret is not None:
        keys = AwsKeys(key=key, secret=secret, session=given.variables.get("AWS_SESSION_TOKEN"))
        return await _by_keys(given, keys, region, public=public)
    words = ("aws", "ecr-public" if public else "ecr", "get-login-password", "--region", region)
    password = await output_of(words, what=_WHAT)
    if password is None:
        return None
    return Login(username=_USER, password=password, expires_at=now() + _LASTS_S)


def _place(host: str) -> tuple[str, bool]:
    """Return a registry's region, and whether it is the public one.

    Raises:
        RegistryError: Its name tells no region.
    """
    if host == ECR_PUBLIC:
        return _PUBLIC_REGION, True
    found = ECR_HOST.match(host)
    if found is None:
        raise RegistryError(
            f"{host} is no registry of ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com is one",
            stage=STAGE,
        )
    return found["region"], False


async def _by_keys(given: Given, keys: AwsKeys, region: str, *, public: bool) -> Login:
    service = "ecr-public" if public else "ecr"
    domain = "amazonaws.com.cn" if given.host.endswith(".cn") else "amazonaws.com"
    endpoint = (
        given.variables.get("AWS_ENDPOINT_URL_ECR")
        or given.variables.get("AWS_ENDPOINT_URL")
        or f"https://api.{service}.{region}.{domain}"
    )
    target = "SpencerFrontendService" if public else "AmazonEC2ContainerRegistry_V20150921"
    headers = {"content-type": _JSON, "x-amz-target": f"{target}.GetAuthorizationToken"}
    request = httpx.Request("POST", f"{endpoint.rstrip('/')}/", headers=headers, content=b"{}")
    headers["host"] = request.headers["host"]
    request.headers.update(
        signed_headers(
            "POST",
            str(request.url),
            headers,
            b"{}",
            keys=keys,
            scope=(region, service),
            at=datetime.fromtimestamp(now(), UTC),
        )
    )
    answer = await exchange(request, what=_WHAT, secrets=[keys.secret, keys.session or ""])
    return _login(answer)


def _login(answer: dict[str, Any]) -> Login:
    """Return the login in an answer: the token is `AWS:password`, base64.

    Raises:
        RegistryError: It has none.
    """
    try:
        data: Any = answer["authorizationData"]
        # The private service gives a list, the public one gives its only entry.
        entry: dict[str, Any] = data if "authorizationToken" in data else data[0]
        user, _, password = base64.b64decode(entry["authorizationToken"]).decode().partition(":")
        expires_at = float(entry.get("expiresAt") or now() + _LASTS_S)
    except (KeyError, IndexError, TypeError, ValueError, binascii.Error) as error:
        shown = json.dumps(sorted(answer))
        raise RegistryError(f"ECR answered no token, but {shown}", stage=STAGE) from error
    return Login(username=user, password=password, expires_at=expires_at)
