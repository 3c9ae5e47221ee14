"""The evidence that is beside an image, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.evidence.bundle import BUNDLE_TYPE, DSSE_TYPE, BadBundleError, Bundle
from keelway.evidence.keeping import SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE
from keelway.registry.content import EMPTY_TYPE, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from keelway.model.image import Digest
    from keelway.registry.client import Repository
    from keelway.registry.content import Descriptor, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBundle:
    """A Sigstore bundle that refers to a digest."""

    manifest: Digest
    bundle: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEnvelope:
    """A signed statement in the old layout."""

    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSignature:
    """A signature in the old layout."""

    payload: bytes
    signature: str
    """Base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that is beside one digest; what cannot be read is told, and proves nothing."""

    bundles: tuple[FoundBundle, ...]
    envelopes: tuple[FoundEnvelope, ...]
    signatures: tuple[FoundSignature, ...]
    unreadable: tuple[str, ...]


async def find_evidence(repository: Repository, subject: Digest) -> Found:
    """Return what is beside a digest, in both layouts.

    Raises:
        RegistryError: The registry refuses, or gives bytes that are not what their digest says.
    """
    unreadable: list[str] = []

    async def read(entry: Descriptor) -> FoundBundle | None:
        manifest = await repository.manifest(entry.digest)
        if entry.artifact_type != BUNDLE_TYPE and not _is_bundle(manifest):
            return None
        try:
            layers = [one for one in manifest.layers() if one.media_type == BUNDLE_TYPE]
            texts = [(await repository.blob(layer)).decode() for layer in layers[:1]]
            if texts:
                return FoundBundle(manifest=entry.digest, bundle=Bundle.parse(texts[0]))
            unreadable.append(f"{entry.digest}: there is no bundle in it")
        except (ValueError, BadBundleError) as error:
            unreadable.append(f"{entry.digest}: {error}")
        return None

    listed = await repository.referrers(subject)
    # Registries leave the artifact type out of what they list, or list the type of the empty
    # configuration as go-containerregistry does; the manifest tells it then.
    wanted = [entry for entry in listed if entry.artifact_type in {None, EMPTY_TYPE, BUNDLE_TYPE}]
    bundles = [found for found in await each(read, wanted) if found is not None]
    signatures = await _old_signatures(repository, subject, unreadable)
    envelopes = await _old_envelopes(repository, subject, unreadable)
    return Found(
        bundles=tuple(bundles),
        envelopes=envelopes,
        signatures=signatures,
        unreadable=tuple(unreadable),
    )


def _is_bundle(manifest: Manifest) -> bool:
    return manifest.document.get("artifactType") == BUNDLE_TYPE


async def _old_signatures(
    repository: Repository, subject: Digest, unreadable: list[str]
) -> tuple[FoundSignature, ...]:
    manifest = await repository.find(f"{subject.replace(':', '-')}.sig")
    found: list[FoundSignature] = []
    for layer in () if manifest is None else manifest.layers():
        signature = layer.annotations.get(SIGNATURE_ANNOTATION, "")
        if layer.media_type == SIMPLE_SIGNING_TYPE and signature:
            payload = await repository.blob(layer)
            found.append(FoundSignature(payload=payload, signature=signature))
        else:
            unreadable.append(f"{layer.digest}: no signature")
    return tuple(found)


async def _old_envelopes(
    repository: Repository, subject: Digest, unreadable: list[str]
) -> tuple[FoundEnvelope, ...]:
    manifest = await repository.find(f"{subject.replace(':', '-')}.att")
    found: list[FoundEnvelope] = []
    for layer in () if manifest is None else manifest.layers():
        if layer.media_type != DSSE_TYPE:
            continue
        try:
            found.append(FoundEnvelope(envelope=json_object(await repository.blob(layer))))
        except ValueError as error:
            unreadable.append(f"{layer.digest}: {error}")
    return tuple(found)
