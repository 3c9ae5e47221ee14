"""Records of promotions beside an image, as they are there: who signed them is not looked at."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, cast

from keelway.evidence.finding import find_evidence
from keelway.evidence.predicates.promotion import RECORD_TYPE, read_record
from keelway.model.evidence import PredicateType
from keelway.registry.content import EMPTY_TYPE, json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keelway.evidence.finding import Found
    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.registry.client import Repository


async def unproved_records(repository: Repository, digest: Digest) -> tuple[PromotionRecord, ...]:
    """Return all records beside a digest, the oldest first: as they are, they prove nothing.

    Raises:
        RegistryError: The registry refuses, or gives what is not what its digest says.
    """
    found = await find_evidence(repository, digest)
    records = [
        record
        for statement in _statements(found)
        if (record := _record(statement, digest)) is not None
    ]
    records += await unsigned_records(repository, digest)
    return tuple(sorted(records, key=lambda record: record.entry.at))


async def unsigned_records(repository: Repository, digest: Digest) -> tuple[PromotionRecord, ...]:
    """Return the records that were kept without a signature.

    Raises:
        RegistryError: The registry refuses, or gives what is not what its digest says.
    """
    found: list[PromotionRecord] = []
    for entry in await repository.referrers(digest):
        # Registries leave the artifact type out of what they list, or list another one.
        if entry.artifact_type not in {None, EMPTY_TYPE, RECORD_TYPE}:
            continue
        manifest = await repository.find(entry.digest)
        if manifest is None or manifest.document.get("artifactType") != RECORD_TYPE:
            continue
        for layer in manifest.layers()[:1]:
            try:
                said = json_object(await repository.blob(layer))
            except ValueError:
                continue
            record = read_record(said, digest, signed=False)
            found += [] if record is None else [record]
    return tuple(found)


def _statements(found: Found) -> Iterator[Mapping[str, Any]]:
    envelopes = [one.bundle.document.get("dsseEnvelope") for one in found.bundles]
    for envelope in (*envelopes, *(one.envelope for one in found.envelopes)):
        try:
            payload = cast("Mapping[str, Any]", envelope)["payload"]
            yield json_object(base64.b64decode(str(payload), validate=True))
        except (KeyError, TypeError, ValueError, binascii.Error):
            continue


def _record(statement: Mapping[str, Any], digest: Digest) -> PromotionRecord | None:
    predicate = statement.get("predicate")
    about = str(statement.get("subject"))
    if statement.get("predicateType") != PredicateType.PROMOTION.value:
        return None
    if not isinstance(predicate, dict) or digest.partition(":")[2] not in about:
        return None
    return read_record(cast("dict[str, Any]", predicate), digest, signed=False)
