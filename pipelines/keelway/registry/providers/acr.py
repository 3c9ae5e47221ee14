"""Azure's container registry: service principals log in as they are, identities by an exchange.

The registry gives a refresh token for an access token of Entra, at `/oauth2/exchange` (Azure
Container Registry, "AAD-OAuth"); it is the password beside an account of zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx

from keelway.errors import PlanError
from keelway.registry.logins import Login
from keelway.registry.providers.asking import (
    address_of,
    exchange,
    metadata,
    now,
    output_of,
    text_of,
)

if TYPE_CHECKING:
    from keelway.registry.providers.given import Given

_USER = "00000000-0000-0000-0000-000000000000"
_WHAT = "an access token of Azure"
_RESOURCE = "https://management.azure.com/"
_AUTHORITY = "https://login.microsoftonline.com/"
_METADATA = "http://169.254.169.254"
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Refresh tokens of the registry last three hours.
_LASTS_S = 3 * 3600.0


async def log_in(given: Given) -> Login | None:
    """Return the login; nothing where nobody gives one.

    Raises:
        PlanError: The federated token cannot be read, or `az` is there and gives no token.
        RegistryError: Azure refuses, or does not answer.
    """
    known = given.variables
    if given.password is None and "AZURE_CLIENT_ID" in known and "AZURE_CLIENT_SECRET" in known:
        return Login(username=known["AZURE_CLIENT_ID"], password=known["AZURE_CLIENT_SECRET"])
    token = given.password or await _by_federation(given)
    token = token or await _by_program() or await _by_machine(given)
    return None if token is None else await _exchanged(given, token)


async def _exchanged(given: Given, token: str) -> Login:
    form = {"grant_type": "access_token", "service": given.host, "access_token": token}
    if "AZURE_TENANT_ID" in given.variables:
        form["tenant"] = given.variables["AZURE_TENANT_ID"]
    request = httpx.Request("POST", f"{address_of(given.host)}/oauth2/exchange", data=form)
    what = "a refresh token"
    answer = await exchange(request, what=what, secrets=[token])
    password = text_of(answer, "refresh_token", what=what)
    return Login(username=_USER, password=password, expires_at=now() + _LASTS_S)


async def _by_federation(given: Given) -> str | None:
    """Return Entra's token for a token of somebody it trusts (workload identity federation)."""
    names = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
    client, tenant, file = (given.variables.get(name) for name in names)
    if client is None or tenant is None or file is None:
        return None
    try:
        assertion = (await anyio.Path(file).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(
            f"AZURE_FEDERATED_TOKEN_FILE names {file}, which cannot be read", why=str(error)
        ) from error
    form = {
        "client_id": client,
        "grant_type": "client_credentials",
        "client_assertion_type": _JWT_BEARER,
        "client_assertion": assertion,
        "scope": f"{_RESOURCE}.default",
    }
    authority = (given.variables.get("AZURE_AUTHORITY_HOST") or _AUTHORITY).rstrip("/")
    request = httpx.Request("POST", f"{authority}/{tenant}/oauth2/v2.0/token", data=form)
    answer = await exchange(request, what=_WHAT, secrets=[assertion])
    return text_of(answer, "access_token", what=_WHAT)


async def _by_program() -> str | None:
    words = ("az", "account", "get-access-token", "--query", "accessToken", "--output", "tsv")
    return await output_of(words, what=_WHAT)


async def _by_machine(given: Given) -> str | None:
    """Return the token of the machine's managed identity."""
    known = given.variables
    host = (known.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _METADATA).rstrip("/")
    query = {"api-version": "2018-02-01", "resource": _RESOURCE}
    if "AZURE_CLIENT_ID" in known:
        query["client_id"] = known["AZURE_CLIENT_ID"]
    url = httpx.URL(f"{host}/metadata/identity/oauth2/token", params=query)
    answer = await metadata(str(url), headers={"Metadata": "true"})
    return None if answer is None else text_of(answer, "access_token", what=_WHAT)
