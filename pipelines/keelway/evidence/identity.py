"""The token that proves who a CI job is, fetched where the pipeline runs.

GitHub's jobs ask their own service (GitHub's documentation, "OpenID Connect reference"); GitLab's
find theirs in a variable. The token goes to cosign as a secret, never on a command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._secrets import read_secret
from keelway.errors import StageError
from keelway.evidence.planned import GITHUB_TOKEN

if TYPE_CHECKING:
    from keelway._stage import Run

AUDIENCE = "sigstore"
_TIMEOUT_S = 30.0


async def fetch_token(run: Run, source: str, *, stage: str) -> str:
    """Return the token.

    Raises:
        PlanError: It cannot be read.
        StageError: GitHub's service refuses it.
    """
    if source != GITHUB_TOKEN:
        return await read_secret(run, source, stage=stage, what="the identity token")
    url = await _variable(run, "ACTIONS_ID_TOKEN_REQUEST_URL", stage)
    bearer = await _variable(run, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", stage)
    return await ask_github(url, bearer, stage=stage)


async def ask_github(url: str, bearer: str, *, stage: str) -> str:
    """Return the token that GitHub's service gives a job for Sigstore.

    Raises:
        StageError: It gives none.
    """
    import httpx  # noqa: PLC0415 - only here

    remedy = "give the job `permissions: id-token: write`"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            answer = await client.get(
                httpx.URL(url).copy_add_param("audience", AUDIENCE),
                headers={"Authorization": f"Bearer {bearer}"},
            )
            answer.raise_for_status()
            return str(answer.json()["value"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise StageError(
            "GitHub gave no identity token", stage=stage, why=str(error), next_step=remedy
        ) from error


async def _variable(run: Run, name: str, stage: str) -> str:
    return await read_secret(run, f"env://{name}", stage=stage, what=name)
