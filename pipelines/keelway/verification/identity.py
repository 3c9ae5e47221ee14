"""Signatures by an identity, checked by cosign: certificate, transparency log, trusted root.

Nothing of Sigstore's trust is done again here: each bundle is given to the stock program with the
exact identity and issuer that are asked for.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from keelway._together import each
from keelway.errors import PlanError
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.content import json_object
from keelway.verification.checks import Proved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.evidence.finding import Found, FoundBundle


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTrust:
    """What this identity signed is ours."""

    identity: str
    """Exactly as the certificate has it."""
    issuer: str
    """The OIDC issuer, exactly."""
    cosign: str = "cosign"
    """The program that checks."""
    trusted_root: str | None = None
    """File of a private Sigstore's authorities; the public ones without it."""
    transparency_log: bool = True
    """Whether an entry in the transparency log is asked for; else a timestamp is."""
    certificate_log: bool = True
    """Whether the certificate must be in a log of certificates."""


def identity_trust(
    identity: str, issuer: str, *, cosign: str, trusted_root: Path | None, transparency_log: bool
) -> IdentityTrust:
    """Return whom to trust; a private Sigstore's trusted root says which logs it has.

    Raises:
        PlanError: The trusted root cannot be read.
    """
    logs: Mapping[str, Any] = {"tlogs": True, "ctlogs": True}
    if trusted_root is not None:
        try:
            logs = json_object(trusted_root.read_bytes())
        except (OSError, ValueError) as error:
            raise PlanError(
                f"sign.trusted_root: {trusted_root} cannot be read",
                why=str(error),
                next_step="make it by `cosign trusted-root create`",
            ) from error
    return IdentityTrust(
        identity=identity,
        issuer=issuer,
        cosign=cosign,
        trusted_root=None if trusted_root is None else str(trusted_root),
        transparency_log=transparency_log and bool(logs.get("tlogs")),
        certificate_log=bool(logs.get("ctlogs")),
    )


async def proved_by_identity(trust: IdentityTrust, found: Found, subject: Subject) -> Proved:
    """Return what good signatures by the identity say of one digest.

    Raises:
        PlanError: cosign is not installed.
    """
    checked = await each(partial(_checked, trust, subject), found.bundles)
    statements = tuple(one for one, _ in checked if one is not None)
    refused = [why for _, why in checked if why is not None]
    refused += ["a signature in the old layout: only bundles are checked by identity"] * bool(
        found.signatures or found.envelopes
    )
    return Proved(
        subject=subject,
        signed=any(
            one["predicateType"] == PredicateType.COSIGN_SIGNATURE.value for one in statements
        ),
        statements=statements,
        refused=(*found.unreadable, *refused),
    )


def verify_argv(trust: IdentityTrust, bundle: str, kind: str, subject: Subject) -> tuple[str, ...]:
    """Return what checks one bundle."""
    algorithm, _, value = subject.digest.partition(":")
    root = () if trust.trusted_root is None else ("--trusted-root", trust.trusted_root)
    log: tuple[str, ...] = ()
    if not trust.transparency_log:
        # Something else must say that the certificate was still good when it signed.
        log = ("--insecure-ignore-tlog=true", "--use-signed-timestamps")
    if not trust.certificate_log:
        log = (*log, "--insecure-ignore-sct")
    return (
        trust.cosign, "verify-blob-attestation", "--bundle", bundle, "--type", kind,
        "--certificate-identity", trust.identity, "--certificate-oidc-issuer", trust.issuer,
        "--digest", value, "--digestAlg", algorithm, *root, *log,
    )  # fmt: skip


async def _checked(
    trust: IdentityTrust, subject: Subject, found: FoundBundle
) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the statement, or why it does not count."""
    try:
        statement = found.bundle.statement()
    except ValueError as error:
        return None, f"{found.manifest}: {error}"
    with tempfile.NamedTemporaryFile("w", suffix=".sigstore.json") as file:
        file.write(found.bundle.text)
        file.flush()
        words = verify_argv(trust, file.name, str(statement["predicateType"]), subject)
        try:
            done = await anyio.run_process(words, check=False)
        except FileNotFoundError as error:
            raise PlanError(
                f"{trust.cosign} is not installed, and an identity is checked by it",
                next_step="install cosign 3, or verify with a key",
            ) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = (
            said[-1].removeprefix("error during command execution: ")
            if said
            else "cosign refuses it"
        )
        return None, f"{found.manifest}: {why}"
    return statement, None
