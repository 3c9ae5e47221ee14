"""Where evidence is kept: beside the image, in its own repository.

Two layouts: a Sigstore bundle as OCI referrer (cosign's bundle specification; what cosign 3 reads
and writes), and the tags `.sig` and `.att` of older versions (cosign's signature specification).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keelway.evidence.bundle import BUNDLE_TYPE, DSSE_TYPE, Bundle
from keelway.model.evidence import Evidence, Layout, PredicateType, Subject
from keelway.registry.content import (
    EMPTY_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    digest_of,
    serialize,
)
from keelway.registry.layering import AddedLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.registry.client import Repository

_EMPTY = b"{}"
_CONTENT = "dev.sigstore.bundle.content"
_PREDICATE = "dev.sigstore.bundle.predicateType"
_CREATED = "org.opencontainers.image.created"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPayload:
    """What `.sig` keeps: a payload that names the digest, and its signature, base64."""

    payload: bytes
    signature: str


def simple_signing(subject: Subject, repository: str) -> bytes:
    """Return the payload of a signature in the old layout (containers' "simple signing")."""
    document = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": subject.digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    return serialize(document)


async def keep_referrer(
    repository: Repository, subject: Subject, bundle: Bundle, predicate: PredicateType, epoch: int
) -> Evidence:
    """Keep a bundle as referrer of the subject; the same bundle is kept once.

    Raises:
        RegistryError: The registry does not take it.
    """
    annotations = {
        _CONTENT: "dsse-envelope",
        _PREDICATE: predicate.value,
        _CREATED: _moment(epoch),
    }
    listed, by_tag = await _keep_artifact(
        repository, subject, BUNDLE_TYPE, bundle.text.encode(), annotations
    )
    return _evidence(repository, subject, predicate, Layout.REFERRER, listed, fallback=by_tag)


async def keep_unsigned(
    repository: Repository, subject: Subject, artifact_type: str, data: bytes, epoch: int
) -> Descriptor:
    """Keep bytes that nobody signs as referrer of the subject; the same bytes are kept once.

    Args:
        repository: Where the subject is.
        subject: What they are about.
        artifact_type: What they are.
        data: The bytes.
        epoch: The time that is noted beside them, in seconds since 1970.

    Raises:
        RegistryError: The registry does not take them.
    """
    annotations = {_CREATED: _moment(epoch)}
    listed, _ = await _keep_artifact(repository, subject, artifact_type, data, annotations)
    return listed


async def _keep_artifact(
    repository: Repository,
    subject: Subject,
    artifact_type: str,
    content: bytes,
    annotations: Mapping[str, str],
) -> tuple[Descriptor, bool]:
    """Return what points to an artifact of one layer, and whether the fall-back tag lists it."""
    target = await repository.describe(subject.digest)
    config = Descriptor.of(_EMPTY, EMPTY_TYPE)
    layer = Descriptor.of(content, artifact_type)
    data = serialize(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": artifact_type,
            "config": config.document(),
            "layers": [layer.document()],
            "subject": target.document(),
            "annotations": annotations,
        }
    )
    listed = Descriptor(
        media_type=MANIFEST_TYPE,
        digest=digest_of(data),
        size=len(data),
        artifact_type=artifact_type,
        annotations=annotations,
    )
    if await repository.was_attached(subject.digest, listed):
        return listed, True
    await repository.put_blob(_EMPTY, EMPTY_TYPE)
    await repository.put_blob(content, artifact_type)
    return listed, await repository.attach(data, subject.digest, listed)


def _moment(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def keep_signature(
    repository: Repository, subject: Subject, signed: SignedPayload
) -> Evidence:
    """Keep a signature under the tag `sha256-<hex>.sig`, beside those that are there.

    Raises:
        RegistryError: The registry does not take it.
    """
    layer = await repository.put_blob(signed.payload, SIMPLE_SIGNING_TYPE)
    entry = {**layer.document(), "annotations": {SIGNATURE_ANNOTATION: signed.signature}}
    kept = await _append(repository, _tag(subject, "sig"), entry)
    predicate = PredicateType.COSIGN_SIGNATURE
    return _evidence(repository, subject, predicate, Layout.LEGACY, kept)


async def keep_attestation(
    repository: Repository, subject: Subject, bundle: Bundle, predicate: PredicateType
) -> Evidence:
    """Keep a signed statement under the tag `sha256-<hex>.att`, beside those that are there.

    Raises:
        RegistryError: The registry does not take it.
    """
    envelope = serialize(bundle.envelope)
    layer = await repository.put_blob(envelope, DSSE_TYPE)
    entry = {
        **layer.document(),
        "annotations": {SIGNATURE_ANNOTATION: "", "predicateType": predicate.value},
    }
    kept = await _append(repository, _tag(subject, "att"), entry)
    return _evidence(repository, subject, predicate, Layout.LEGACY, kept)


async def _append(repository: Repository, tag: str, entry: Mapping[str, Any]) -> Descriptor:
    """Add a layer to the manifest under a tag; others may do the same."""
    return (await repository.amend(tag, AddedLayer(repository, entry))).descriptor


def _tag(subject: Subject, suffix: str) -> str:
    return f"{subject.digest.replace(':', '-')}.{suffix}"


def _evidence(
    repository: Repository,
    subject: Subject,
    predicate: PredicateType,
    layout: Layout,
    kept: Descriptor,
    *,
    fallback: bool = False,
) -> Evidence:
    return Evidence(
        subject=subject,
        predicate_type=predicate,
        repository=repository.name,
        layout=layout,
        digest=kept.digest,
        fallback_tag=fallback,
    )
