"""[sbom]: the lists of what is inside the images."""

from typing import Literal

from keelway.config.section import Section

SbomFormat = Literal["spdx-json", "cyclonedx-json"]


class SbomConfig(Section):
    """Software bills of materials by Syft, one for each image, platform and format."""

    enabled: bool = True
    """Whether SBOMs are made at all."""
    formats: tuple[SbomFormat, ...] = ("spdx-json", "cyclonedx-json")
    """Formats to write."""
