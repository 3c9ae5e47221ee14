"""Manifests whose layers several add to: how older versions of cosign keep signatures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keelway.registry.content import MANIFEST_TYPE, Descriptor, serialize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.registry.client import Repository
    from keelway.registry.content import Manifest

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LEGACY_SUFFIXES = ("sig", "att", "sbom")
"""What cosign's older versions put behind a digest to name a tag of what belongs to it."""


@dataclass(frozen=True, slots=True)
class AddedLayer:
    """One layer of a manifest in the old layout; its blob is there."""

    repository: Repository
    entry: Mapping[str, Any]
    """The layer's descriptor as JSON has it."""

    def is_in(self, found: Manifest) -> bool:
        """Return whether it is there."""
        return any(layer.digest == self.entry["digest"] for layer in found.layers())

    async def added_to(self, found: Manifest | None) -> tuple[bytes, str]:
        """Return the manifest with it, and its media type.

        Raises:
            RegistryError: The registry does not take the configuration.
        """
        known = [] if found is None else list(found.document.get("layers") or ())
        data, config = _manifest([*known, self.entry])
        await self.repository.put_blob(config, _CONFIG_TYPE)
        return data, MANIFEST_TYPE


def _manifest(layers: list[Any]) -> tuple[bytes, bytes]:
    config = json.dumps(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
        },
        separators=(",", ":"),
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": Descriptor.of(config, _CONFIG_TYPE).document(),
        "layers": layers,
    }
    return serialize(manifest), config
