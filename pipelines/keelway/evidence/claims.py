"""What an identity token says of who runs here. Pure.

A job's environment is the job's own to write; its token is signed by the CI's service. Sigstore's
certificate authority checks that signature before it certifies the token's identity, so a statement
that is signed by it can say no more than the token does.

The claims are those of the services' own pages: GitHub "OpenID Connect reference", GitLab "OpenID
Connect (OIDC) Authentication Using ID Tokens".
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keelway.errors import PlanError, StageError
from keelway.facts.builder import LOCAL
from keelway.model.provenance import Builder
from keelway.registry.content import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


def read_claims(token: str, *, now: datetime, stage: str) -> Mapping[str, Any]:
    """Return the claims of a token; its signature is not checked, for whoever certifies it does.

    Args:
        token: A JSON Web Token.
        now: The time by which it may have expired.
        stage: Which stage it is for, for errors.

    Raises:
        PlanError: It is no token.
        StageError: It has expired.
    """
    try:
        _, said, _ = token.strip().split(".")
        claims = json_object(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        expires = None if claims.get("exp") is None else float(claims["exp"])
    except (ValueError, TypeError, binascii.Error) as error:
        raise PlanError(
            "the identity token is no JSON Web Token",
            next_step="give the token as the CI's service or the OIDC provider hands it out",
        ) from error
    if expires is not None and expires <= now.timestamp():
        raise StageError(
            "the identity token has expired",
            stage=stage,
            why=f"it was good until {datetime.fromtimestamp(expires, UTC):%Y-%m-%dT%H:%M:%SZ}",
            next_step="fetch a fresh token: it is good for some minutes only",
        )
    return claims


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return who a token is about, as people know it.

    >>> subject_of({"sub": "CgYxMjM0", "email": "jo@example.com"})
    'jo@example.com'
    """
    return str(claims.get("email") or claims.get("sub") or "an identity without a name")


def proved_builder(claims: Mapping[str, Any], told: Builder) -> Builder:
    """Return who builds by a token: never more than it says, whatever the environment tells.

    Args:
        claims: Of the token that signs.
        told: Who builds by the environment.

    >>> told = Builder(id="https://github.com/acme/trusted/.github/workflows/x.yml@v1", kind="ci")
    >>> proved_builder({"email": "jo@example.com"}, told).id
    'urn:keelway:builder:local'
    """
    issuer = str(claims.get("iss") or "")
    if claims.get("job_workflow_ref"):
        return _github(claims, issuer)
    if claims.get("ci_config_ref_uri") and claims.get("project_path"):
        address = f"{issuer}/{claims['project_path']}"
        job = claims.get("job_id")
        return Builder(
            id=address, kind="ci", invocation=None if job is None else f"{address}/-/jobs/{job}"
        )
    # As Jenkins' plug-in does it: the subject is the job's address.
    return told if told.id == claims.get("sub") else LOCAL


def _github(claims: Mapping[str, Any], issuer: str) -> Builder:
    """A called workflow is another builder than the one that calls it."""
    server = "https://github.com"
    if issuer != _GITHUB_ISSUER:
        # An enterprise's own server has its issuer below its own address.
        address = urlsplit(issuer)
        server = f"{address.scheme}://{address.netloc}"
    runs, caller = str(claims["job_workflow_ref"]), str(claims.get("workflow_ref") or "")
    run = claims.get("run_id")
    invocation = None
    if run is not None:
        repository, attempt = claims.get("repository", ""), claims.get("run_attempt", "1")
        invocation = f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}"
    return Builder(
        id=f"{server}/{runs}",
        kind="ci" if runs == caller else "reusable",
        invocation=invocation,
    )
