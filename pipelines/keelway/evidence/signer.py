"""cosign in a cage of its own, with the one secret that it needs and no registry.

What it signs is a file and what it writes is a bundle; `keelway.evidence.keeping` does the rest.
The same statement signed with the same key is remembered by the engine, so that a release that is
repeated changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keelway._cage import WORK, Cage, open_cage
from keelway._local_files import local_file
from keelway._secrets import open_secret, read_secret
from keelway._stage import failures_of
from keelway._tools.cosign import (
    COSIGN,
    NO_SERVICES,
    NO_TRUST,
    PASSWORD_VARIABLE,
    TOKEN_VARIABLE,
    attest_argv,
    public_key_argv,
    sign_argv,
)
from keelway.errors import ToolError, ToolOutputError
from keelway.evidence.bundle import BadBundleError, Bundle
from keelway.evidence.claims import read_claims, subject_of
from keelway.evidence.identity import fetch_token
from keelway.model.signer import KeySigner, SignerSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagger

    from keelway._stage import Run
    from keelway.model.tool import ToolVersion

_KEY = "/cosign/key"
_SERVICES = "/cosign/services.json"
_TRUST = "/cosign/trust.json"
_INPUT = "/input/signed"
_BUNDLE = f"{WORK}/bundle.json"
_PEM_LINE = "-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs files."""

    cage: Cage
    key: str | None
    signing_config: str | None
    trusted_root: str | None
    name: str
    """Who signs, in words that a verifier can use."""
    public_key: str | None
    """As PEM, where a key signs."""
    claims: Mapping[str, Any] | None = None
    """What the identity token says, where an identity signs."""

    @property
    def tool(self) -> ToolVersion:
        """Return cosign as it is used."""
        return self.cage.version

    async def attest(self, run: Run, statement: str, *, doing: str) -> Bundle:
        """Return the bundle of a signed in-toto statement.

        Raises:
            ToolError: cosign broke, or was refused; a wrong password is told as such.
            ToolOutputError: cosign wrote no bundle.
        """
        words = attest_argv(
            _INPUT,
            _BUNDLE,
            key=self.key,
            signing_config=self.signing_config,
            trusted_root=self.trusted_root,
        )
        return await self._signed(run, words, statement, doing)

    async def sign(self, run: Run, payload: bytes, *, doing: str) -> Bundle:
        """Return the bundle of a signed payload.

        Raises:
            ToolError: cosign broke, or was refused.
            ToolOutputError: cosign wrote no bundle.
        """
        words = sign_argv(
            _INPUT,
            _BUNDLE,
            key=self.key,
            signing_config=self.signing_config,
            trusted_root=self.trusted_root,
        )
        return await self._signed(run, words, payload.decode(), doing)

    async def _signed(self, run: Run, words: tuple[str, ...], text: str, doing: str) -> Bundle:
        file = run.dag.directory().with_new_file("signed", text).file("signed")
        try:
            done = await self.cage.run(words, doing=doing, files={_INPUT: file})
        except ToolError as error:
            _explain(error)
            raise
        with failures_of(self.cage.stage, f"reading what {doing} gave"):
            written = await done.file(_BUNDLE).contents()
        try:
            return Bundle.parse(written)
        except BadBundleError as error:
            raise ToolOutputError(
                "cosign wrote something that is no bundle",
                stage=self.cage.stage,
                text=written,
                why=str(error),
            ) from error


async def open_signer(run: Run, spec: SignerSpec, *, stage: str) -> Signer:
    """Return a signer that is ready: cosign's version checked, the key readable.

    Raises:
        PlanError: The key, its password or the token cannot be read, or cosign is missing.
        StageError: The identity token has expired.
        ToolError: cosign cannot use the key, as with a wrong password.
    """
    cage = await open_cage(run, stage=stage, tool=COSIGN, source=spec.tool)
    container = cage.container
    for name in spec.variables:
        container = container.with_secret_variable(name, open_secret(run, f"env://{name}"))
    offline = isinstance(spec.who, KeySigner) and not spec.transparency_log
    services = _given(run, spec.signing_config, NO_SERVICES if offline else None)
    trust = _given(run, spec.trusted_root, NO_TRUST if offline else None)
    if services is not None:
        container = container.with_mounted_file(_SERVICES, services)
    if trust is not None:
        container = container.with_mounted_file(_TRUST, trust)
    claims = None
    if isinstance(spec.who, KeySigner):
        container, key = await _with_key(run, container, spec.who, stage)
        cage = replace(cage, container=container)
        public = await _public_key(cage, key)
        name = f"key {fingerprint(public)}"
    else:
        token = await fetch_token(run, spec.who.token, stage=stage)
        now = run.clock.now()
        claims = read_claims(token, now=now, stage=stage)
        secret = run.dag.set_secret("keelway-identity-token", token)
        # A certificate is good for ten minutes: what was signed before is not taken from the cache.
        container = container.with_secret_variable(TOKEN_VARIABLE, secret)
        container = container.with_env_variable("KEELWAY_SIGNED_AT", now.isoformat())
        cage = replace(cage, container=container)
        key, public, name = None, None, f"{subject_of(claims)} (keyless)"
    return Signer(
        cage=cage,
        key=key,
        signing_config=None if services is None else _SERVICES,
        trusted_root=None if trust is None else _TRUST,
        name=name,
        public_key=public,
        claims=claims,
    )


def fingerprint(public_key: str) -> str:
    r"""Return the SHA-256 of a public key's DER form, from its PEM: what cosign calls its hint.

    >>> fingerprint("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")[:14]
    'sha256:709e80c'
    """
    lines = [line for line in public_key.splitlines() if not line.startswith(_PEM_LINE)]
    return f"sha256:{hashlib.sha256(base64.b64decode(''.join(lines))).hexdigest()}"


def _given(run: Run, file: str | None, otherwise: str | None) -> dagger.File | None:
    """Return a configuration: the given one, the one that names nothing, or none at all."""
    if file is not None:
        return local_file(run, file)
    if otherwise is None:
        return None
    return run.dag.directory().with_new_file("configuration", otherwise).file("configuration")


async def _with_key(
    run: Run, container: dagger.Container, who: KeySigner, stage: str
) -> tuple[dagger.Container, str]:
    if who.password is None:
        container = container.with_env_variable(PASSWORD_VARIABLE, "")
    else:
        await read_secret(run, who.password, stage=stage, what="the password of the signing key")
        secret = open_secret(run, who.password)
        container = container.with_secret_variable(PASSWORD_VARIABLE, secret)
    if who.in_kms:
        return container, who.key
    await read_secret(run, who.key, stage=stage, what="the signing key")
    return container.with_mounted_secret(_KEY, open_secret(run, who.key)), _KEY


async def _public_key(cage: Cage, key: str) -> str:
    try:
        done = await cage.run(public_key_argv(key), doing="reading the signing key")
    except ToolError as error:
        _explain(error)
        raise
    with failures_of(cage.stage):
        text = await done.stdout()
    if "PUBLIC KEY" not in text:
        raise ToolOutputError("cosign told no public key", stage=cage.stage, text=text)
    return text[text.index(_PEM_LINE) :]


def _explain(error: ToolError) -> None:
    """Say what to do about the refusals that cosign's own words do not make clear."""
    said = error.output.lower()
    if "decrypt" in said or "password" in said:
        error.why = "the password of the signing key is wrong"
        error.next_step = "correct sign.password"
    elif "processing the identity token" in said or ("expired" in said and "token" in said):
        error.why = "the certificate authority refuses the identity token"
        error.next_step = (
            'give a fresh token, of an issuer that it knows, with the audience "sigstore"'
        )
