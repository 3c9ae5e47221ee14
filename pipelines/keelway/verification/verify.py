"""Verify a published image: fetch the evidence beside it, trust what is signed, ask the rest.

Example:
    async def main() -> None:
        spec = VerifySpec(trust=KeyTrust(public_key=Path("cosign.pub").read_text()))
        result = await verify_image("localhost:5000/demo/orders:1.0", spec)
        print(result.passed)
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from keelway._stage import SystemClock
from keelway._together import each
from keelway.errors import GateError, PlanError, RegistryError
from keelway.evidence.finding import Found, find_evidence
from keelway.evidence.subjects import subjects_in
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.client import Repository, open_repository
from keelway.registry.content import json_object
from keelway.registry.logins import load_logins
from keelway.registry.mirrors import may_be_elsewhere, places_of
from keelway.tags.reference import BadReferenceError, parse_reference
from keelway.verification.checks import Check, Demands, Proved, check
from keelway.verification.identity import IdentityTrust, proved_by_identity
from keelway.verification.keys import PublicKey, read_key, signs, signs_envelope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from keelway.evidence.finding import FoundBundle
    from keelway.model.image import Digest
    from keelway.registry.content import Manifest
    from keelway.registry.logins import Login
    from keelway.tags.reference import ImageReference

    FindLogin = Callable[[str], Awaitable[Login | None]]

_STAGE = "verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTrust:
    """What this key signed is ours."""

    public_key: str
    """PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySpec:
    """Whom to trust, and what is asked of an image."""

    trust: KeyTrust | IdentityTrust
    demands: Demands = field(default_factory=Demands)
    login_files: tuple[str, ...] = ()
    """Docker's configurations of this machine; the first that exists counts."""
    find_login: FindLogin | None = None
    """Tells whom to log in as for a repository, in place of those files."""
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Where an image that is named by digest is read when its registry does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How an image stands to what is asked of it."""

    image: str
    digest: Digest
    checks: tuple[Check, ...]
    refused: tuple[str, ...]
    """Evidence that does not count, and why."""
    verified_at: datetime
    proved: tuple[Proved, ...] = ()
    """What good signatures say of each digest, the index first."""

    @property
    def passed(self) -> bool:
        """Whether everything that was asked is there; of nothing asked, it is no."""
        return bool(self.checks) and all(one.passed for one in self.checks)

    def reasons(self) -> tuple[str, ...]:
        """Return one line for each thing that is missing or wrong."""
        return tuple(
            f"{one.name} ({one.subject}): {one.text}" for one in self.checks if not one.passed
        )


async def verify_image(image: str, spec: VerifySpec) -> Verification:
    """Return how an image, named by tag or digest, stands to what is asked of it.

    Raises:
        PlanError: The reference or the key is none, or a login cannot be read.
        RegistryError: The image is not there, the registry refuses, or bytes were tampered with.
    """
    try:
        parsed = parse_reference(image)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    # A tag is read from its own registry alone: elsewhere it may still name another image.
    places = places_of(parsed.repository, spec.mirrors if parsed.digest is not None else {})
    for place in places:
        try:
            return await _verified_at(place, image, parsed, spec)
        except RegistryError as error:
            if place == places[-1] or not may_be_elsewhere(error):
                raise
    raise AssertionError("the last place returns or raises")


async def _verified_at(
    place: str, image: str, parsed: ImageReference, spec: VerifySpec
) -> Verification:
    login = await _login(spec, parse_reference(place))
    async with open_repository(place, login=login, stage=_STAGE) as repository:
        index = await repository.manifest(parsed.digest or parsed.tag or "latest")
        return await verify_manifest(repository, index, image, spec)


async def verify_manifest(
    repository: Repository, index: Manifest, image: str, spec: VerifySpec
) -> Verification:
    """Return how an image that was resolved already stands to what is asked of it.

    Args:
        repository: Where it is, open.
        index: The index, or the manifest of an image of one platform.
        image: What people call it.
        spec: Whom to trust, and what is asked.

    Raises:
        PlanError: The key is none.
        RegistryError: The registry refuses, or bytes were tampered with.
    """
    name = repository.name.rpartition("/")[2]
    subjects = subjects_in(index, name, (repository.name,), stage=_STAGE)
    proved = await each(partial(prove, repository, spec), subjects)
    now = SystemClock().now()
    return Verification(
        image=image,
        digest=index.digest,
        checks=check(proved, spec.demands, today=now),
        refused=tuple(reason for one in proved for reason in one.refused),
        verified_at=now,
        proved=proved,
    )


async def _login(spec: VerifySpec, image: ImageReference) -> Login | None:
    if spec.find_login is not None:
        return await spec.find_login(image.repository)
    return await (await load_logins(spec.login_files)).find(image.host)


def refusal(verification: Verification) -> GateError:
    """Return the error for an image that is not what is asked for."""
    number = len(verification.reasons())
    return GateError(
        f"{verification.image} does not verify: {number} "
        f"{'thing is' if number == 1 else 'things are'} missing or wrong",
        verdict=verification,
        next_step="do not use it; release it again, or correct what is asked for",
    )


async def prove(repository: Repository, spec: VerifySpec, subject: Subject) -> Proved:
    """Return what good signatures say of one digest.

    Raises:
        PlanError: The key is none, or cosign is missing where an identity is asked for.
        RegistryError: The registry refuses, or bytes were tampered with.
    """
    trust = spec.trust
    if isinstance(trust, KeyTrust):
        key = read_key(trust.public_key)
        return _by_key(key, await find_evidence(repository, subject.digest), subject)
    return await proved_by_identity(trust, await find_evidence(repository, subject.digest), subject)


def _by_key(key: PublicKey, found: Found, subject: Subject) -> Proved:
    statements: list[Mapping[str, Any]] = []
    refused = list(found.unreadable)
    for envelope, place in _envelopes(found):
        if not signs_envelope(key, envelope):
            refused.append(f"{place}: signed by another key, or changed since")
            continue
        statement = about(subject, envelope)
        if statement is None:
            refused.append(f"{place}: is about another digest")
            continue
        statements.append(statement)
    signed = any(
        statement["predicateType"] == PredicateType.COSIGN_SIGNATURE.value
        for statement in statements
    )
    old = any(_old_signature(key, one.payload, one.signature, subject) for one in found.signatures)
    return Proved(
        subject=subject,
        signed=signed or old,
        statements=tuple(statements),
        refused=tuple(refused),
    )


def _envelopes(found: Found) -> Sequence[tuple[Mapping[str, Any], str]]:
    new = [(one.bundle.envelope, one.manifest) for one in found.bundles if _has_envelope(one)]
    return [*new, *((one.envelope, "an attestation") for one in found.envelopes)]


def _has_envelope(found: FoundBundle) -> bool:
    return isinstance(found.bundle.document.get("dsseEnvelope"), dict)


def about(subject: Subject, envelope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the statement in an envelope, if it is about this digest; nothing else counts."""
    try:
        statement = json_object(base64.b64decode(str(envelope["payload"]), validate=True))
        named = [dict(one.get("digest") or {}) for one in statement["subject"]]
        if "predicateType" not in statement or "predicate" not in statement:
            return None
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return None
    algorithm, _, value = subject.digest.partition(":")
    return statement if any(one.get(algorithm) == value for one in named) else None


def _old_signature(key: PublicKey, payload: bytes, signature: str, subject: Subject) -> bool:
    try:
        document = json.loads(payload)
        digest = document["critical"]["image"]["docker-manifest-digest"]
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return False
    return digest == subject.digest and signs(key, raw, payload)
