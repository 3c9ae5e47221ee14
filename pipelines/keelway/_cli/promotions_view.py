"""The records beside an image, printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from keelway._cli import output
from keelway._cli.env import environment
from keelway._cli.promoting import record_line
from keelway._cli.stopping import run_until_stopped
from keelway._cli.verifying import Asked, find_configuration, verification_spec
from keelway._registries import own_keyring
from keelway.errors import PlanError
from keelway.evidence.predicates.promotion import predicate_of
from keelway.evidence.promotions import unproved_records
from keelway.promotion.reading import Reader
from keelway.promotion.source import find_source
from keelway.registry.client import open_repository

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.registry.keyring import Keyring
    from keelway.tags.reference import ImageReference
    from keelway.verification.verify import VerifySpec

RECORDS_SCHEMA = "keelway.promotions/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    digest: Digest
    records: tuple[PromotionRecord, ...]


def show_records(image: str, config: Path | None, key: str | None, *, as_json: bool) -> None:
    """Print the records beside an image.

    Raises:
        KeelwayError: It could not be looked at.
    """
    written, root = find_configuration(config)
    environ = environment()
    source = find_source(written, image).reference
    asked = Asked(key=key, identity=None, issuer=None, signature_only=True)
    spec: VerifySpec | None = None
    try:
        spec = verification_spec(asked, written, root, environ)
    except PlanError:
        # Nobody says whose signature counts: the records are shown for what they are.
        if key is not None:
            raise
    keyring = own_keyring(written, root, environ)
    found = run_until_stopped(partial(_read, source, spec, keyring))
    output.result(_json(image, found) if as_json else _text(image, found))


async def _read(source: ImageReference, spec: VerifySpec | None, keyring: Keyring) -> _Records:
    login = await keyring.find(source.repository)
    async with open_repository(source.repository, login=login, stage="promotions") as opened:
        manifest = await opened.manifest(source.digest or source.tag or "latest")
        if spec is None:
            records = await unproved_records(opened, manifest.digest)
        else:
            records = await Reader(spec).records(opened, manifest.digest)
    return _Records(digest=manifest.digest, records=records)


def _text(image: str, found: _Records) -> str:
    lines = [image if "@" in image else f"{image}@{found.digest}"]
    for record in found.records:
        mark = "signed  " if record.signed else "unproved"
        lines.append(f"  {mark}  {record_line(record)}")
    if not found.records:
        lines.append("  no promotion is recorded")
    return "\n".join(lines)


def _json(image: str, found: _Records) -> str:
    document: dict[str, Any] = {
        "schema": RECORDS_SCHEMA,
        "image": image,
        "digest": found.digest,
        "promotions": [
            {**predicate_of(record), "signed": record.signed} for record in found.records
        ],
    }
    return json.dumps(document, indent=2)
