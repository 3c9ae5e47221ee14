"""A small image for two platforms, pushed and signed without any engine."""

from __future__ import annotations

import json
import os
import random
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._tools.cosign import NO_SERVICES
from keelway.registry.client import open_repository
from keelway.registry.content import INDEX_TYPE, MANIFEST_TYPE, digest_of, serialize
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.model.image import Digest
    from keelway.registry.client import Repository
    from keelway.registry.content import Descriptor

PLATFORMS = ("amd64", "arm64")
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_BYTES = 200_000
OFFLINE = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A pair of keys of cosign's own making, which need no password."""

    folder: Path
    cosign: str

    @property
    def public(self) -> Path:
        return self.folder / "cosign.pub"

    def sign(self, reference: str) -> None:
        """Sign an index and each platform that it lists."""
        services = self.folder / "services.json"
        services.write_text(NO_SERVICES)
        self._run(
            "sign", "--key", "cosign.key", "--signing-config", str(services), "--recursive",
            "--allow-http-registry", "--yes", reference,
        )  # fmt: skip

    def verify(self, reference: str, *more: str) -> bool:
        """Return whether stock cosign accepts an image."""
        words = ("verify", "--key", str(self.public), *OFFLINE, *more, reference)
        return self._run(*words, check=False).returncode == 0

    def _run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.cosign, *words], cwd=self.folder, check=check, capture_output=True, text=True,
            env={**os.environ, "COSIGN_PASSWORD": ""},
        )  # fmt: skip


def make_keys(folder: Path) -> Keys:
    """Return new keys in a folder that is there."""
    keys = Keys(folder=folder, cosign=need("cosign", package="cosign, by scripts/go-tools"))
    keys._run("generate-key-pair")
    return keys


async def push_small_image(
    repository: str, tag: str, *, seed: str, annotations: Mapping[str, str] | None = None
) -> Digest:
    """Push an index with two platforms, each with a shared layer and one of its own."""
    async with open_repository(repository, login=None, stage="test") as opened:
        shared = await opened.put_blob(_bytes(seed), LAYER_TYPE)
        manifests = [
            {
                **(await _push_platform(opened, name, shared, seed)).document(),
                "platform": {"os": "linux", "architecture": name},
            }
            for name in PLATFORMS
        ]
        document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}
        index = serialize(document | ({"annotations": annotations} if annotations else {}))
        await opened.put_manifest(index, INDEX_TYPE, tag)
        return (await opened.manifest(tag)).digest


async def _push_platform(
    opened: Repository, name: str, shared: Descriptor, seed: str
) -> Descriptor:
    own = await opened.put_blob(_bytes(f"{seed} {name}"), LAYER_TYPE)
    config = json.dumps(
        {
            "os": "linux",
            "architecture": name,
            "rootfs": {"type": "layers", "diff_ids": [shared.digest, own.digest]},
        }
    )
    described = await opened.put_blob(config.encode(), CONFIG_TYPE)
    data = serialize(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described.document(),
            "layers": [shared.document(), own.document()],
        }
    )
    await opened.put_manifest(data, MANIFEST_TYPE)
    return (await opened.manifest(digest_of(data))).descriptor


def _bytes(seed: str) -> bytes:
    return random.Random(seed).randbytes(LAYER_BYTES)  # noqa: S311 - bytes that can be told apart
