"""Manifests and indexes: reading, and writing as canonical JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keelway.engine.errors import EngineError
from keelway.engine.store.descriptor import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    hex_of,
)
from keelway.engine.store.platforms import platform_json, platform_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
_MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an image's manifest names."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_index(raw: bytes) -> list[Descriptor]:
    """Return what an index names."""
    items: list[dict[str, Any]] = json.loads(raw).get("manifests") or []
    return [_descriptor(item) for item in items]


def is_index(raw: bytes, ref: str) -> bool:
    """Return whether a registry's answer is an index, and no manifest of one image.

    Args:
        raw: What it gave.
        ref: What was asked for, for the error.

    Raises:
        EngineError: It is neither.
    """
    try:
        body = json.loads(raw)
    except ValueError:
        raise EngineError(f"{ref}: the registry's answer is no manifest") from None
    kind = body.get("mediaType")
    if kind in _INDEXES or (kind is None and "manifests" in body):
        return True
    if kind in _MANIFESTS or (kind is None and "layers" in body):
        return False
    raise EngineError(f"{ref} is of a kind that is not supported: {kind or 'schema 1'}")


def parse_manifest(raw: bytes, what: str) -> Manifest:
    """Return what a manifest names.

    Raises:
        EngineError: It is no manifest of an image.
    """
    try:
        body: dict[str, Any] = json.loads(raw)
        layers: list[dict[str, Any]] = body.get("layers") or []
        return Manifest(
            config=_descriptor(body["config"]),
            layers=tuple(_descriptor(layer) for layer in layers),
            annotations=body.get("annotations") or {},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{what} has a manifest that is none: {error!r}") from error


def descriptor_json(descriptor: Descriptor, **more: object) -> dict[str, object]:
    """Return a descriptor as manifests have it."""
    body: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if descriptor.platform:
        body["platform"] = platform_json(descriptor.platform)
    if descriptor.annotations:
        body["annotations"] = dict(descriptor.annotations)
    return body | more


def canonical(value: object) -> bytes:
    """Return JSON that is the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _descriptor(item: Mapping[str, Any]) -> Descriptor:
    hex_of(item["digest"])
    platform = item.get("platform")
    return Descriptor(
        media_type=item.get("mediaType", ""),
        digest=item["digest"],
        size=item["size"],
        annotations=item.get("annotations") or {},
        platform=platform_of(platform) if platform else "",
    )
