"""How each image was asked for, by the configuration and the commit. Pure.

What stands in the provenance is public: of build arguments only the names are told, and the values
of those that the configuration allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.model.platform import parse_platform
from keelway.model.provenance import Dependency, Origin

if TYPE_CHECKING:
    from keelway.config import Config, ImageConfig
    from keelway.facts import Facts

WITHHELD = "(not public)"


def plan_origins(config: Config, facts: Facts) -> tuple[Origin, ...]:
    """Return how each image was asked for, in the order of the configuration."""
    source = _source(config, facts)
    return tuple(
        Origin(
            image=name,
            source=source,
            parameters=_parameters(name, image, frozenset(config.attest.public_build_args)),
            dependencies=_bases(image, facts),
        )
        for name, image in config.images.items()
    )


def _source(config: Config, facts: Facts) -> Dependency | None:
    if facts.commit is None:
        return None
    address = config.project.source
    uri = f"git+{address}" if address else "urn:keelway:source:unnamed"
    return Dependency(uri=uri, digest={"gitCommit": facts.commit.sha}, name="source")


def _parameters(name: str, image: ImageConfig, public: frozenset[str]) -> dict[str, object]:
    return {
        "image": name,
        "context": image.context,
        "dockerfile": image.dockerfile,
        "target": image.target or "",
        "platforms": [parse_platform(platform) for platform in image.platforms],
        "buildArgs": {
            key: value if key in public else WITHHELD
            for key, value in sorted(image.build_args.items())
        },
        "secrets": sorted(secret.id for secret in image.secrets),
    }


def _bases(image: ImageConfig, facts: Facts) -> tuple[Dependency, ...]:
    found: list[Dependency] = []
    for base in dict.fromkeys(image.bases.values()):
        if base in facts.pins:
            repository, _, digest = facts.pins[base].reference.partition("@")
            algorithm, _, value = digest.partition(":")
            uri = f"docker://{repository}@{digest}"
            found.append(Dependency(uri=uri, digest={algorithm: value}, name=f"base {base}"))
    return tuple(found)
