"""What proofs are compared by: commit, configuration, and how each image is asked for. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from keelway.model.image import Digest
from keelway.proof.document import Source

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.model.platform import Platform
    from keelway.stages.build import ImageSpec

# Where the machine keeps them, and how it reads a secret, is not what is asked for.
_OF_THE_MACHINE = ("context", "platforms", "secrets", "exclude")


def source_of(config: Config, facts: Facts) -> Source:
    """Return what a run is made from.

    Args:
        config: All that was written.
        facts: What is true here.
    """
    return Source(
        keelway=_own_version(),
        project=config.project.name,
        commit="" if facts.commit is None else facts.commit.sha,
        config=_digest(config.model_dump(mode="json")),
    )


def asked_for(image: ImageSpec, platform: Platform) -> Digest:
    """Return the digest of how an image is asked for, whichever machine builds it."""
    asked = {name: value for name, value in asdict(image).items() if name not in _OF_THE_MACHINE}
    secrets = sorted(secret.id for secret in image.secrets)
    return _digest({**asked, "platform": platform, "secrets": secrets})


def _digest(document: object) -> Digest:
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), default=list).encode()
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def _own_version() -> str:
    try:
        return version("keelway")
    except PackageNotFoundError:
        return "unknown"
