"""Platforms `os/arch[/variant]`, and which image of several fits one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.engine.store.descriptor import Descriptor

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_ARM = ("v8", "v7", "v6", "v5")
_PLAIN = {"arm64": "v8", "amd64": "v1", "arm": "v7"}
"""The variant that is meant when none is written."""


def normalise(platform: str) -> str:
    """Return a platform in the shortest form: `linux/arm64/v8` is `linux/arm64`."""
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    architecture = _ARCHITECTURES.get(architecture, architecture)
    if architecture != "arm" and variant == _PLAIN.get(architecture):
        variant = ""
    if architecture == "arm" and not variant:
        variant = "v7"
    return "/".join(part for part in (system, architecture, variant) if part)


def platform_of(value: Mapping[str, object]) -> str:
    """Return the platform that a descriptor or a configuration states, normalised."""
    parts = (value.get("os"), value.get("architecture"), value.get("variant"))
    return normalise("/".join(part for part in parts if isinstance(part, str) and part))


def platform_json(platform: str) -> dict[str, str]:
    """Return a platform as descriptors and configurations state it."""
    names = ("os", "architecture", "variant")
    return dict(zip(names, platform.split("/"), strict=False))


def choose(candidates: Sequence[Descriptor], platform: str, what: str) -> Descriptor:
    """Return the image for a platform; 32-bit ARM takes an older variant if there is one.

    Raises:
        EngineError: There is none; the text says which there are.
    """
    found = {normalise(candidate.platform): candidate for candidate in reversed(candidates)}
    for wanted in _acceptable(normalise(platform)):
        if wanted in found:
            return found[wanted]
    known = ", ".join(sorted(name for name in found if "unknown" not in name)) or "none"
    raise EngineError(f"{what} has no image for the platform {platform}; it has {known}")


def _acceptable(platform: str) -> list[str]:
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    if architecture == "arm" and variant in _ARM:
        return [f"{system}/arm/{older}" for older in _ARM[_ARM.index(variant) :]]
    return [platform, f"{system}/{architecture}"]
