"""[tools.NAME]: where the external tools come from."""

from typing import Literal, Self

from pydantic import Field, model_validator

from keelway.config.section import Section, Text
from keelway.tags.reference import parse_reference


class ToolConfig(Section):
    """Where one external tool comes from."""

    source: Literal["host", "image"] = "host"
    """`"host"`: the program beside Python or on PATH. `"image"`: the pinned image below."""
    image: Text | None = None
    """Image that holds the tool, pinned by digest: `name@sha256:...`."""

    @model_validator(mode="after")
    def _image_is_pinned(self) -> Self:
        if self.source == "host":
            if self.image is not None:
                msg = 'image is only used with source = "image": set that, or remove image'
                raise ValueError(msg)
            return self
        if self.image is None:
            msg = 'source = "image" needs image = "name@sha256:..."'
            raise ValueError(msg)
        if parse_reference(self.image).digest is None:
            msg = f"image {self.image!r} is not pinned: append @sha256:... so that it cannot change"
            raise ValueError(msg)
        return self


class ToolsConfig(Section):
    """External tools."""

    trivy: ToolConfig = Field(default_factory=ToolConfig)
    """Trivy, which scans."""
    syft: ToolConfig = Field(default_factory=ToolConfig)
    """Syft, which makes SBOMs."""
    grype: ToolConfig = Field(default_factory=ToolConfig)
    """Grype, the second scanner."""
    snyk: ToolConfig = Field(default_factory=ToolConfig)
    """Snyk, where a token is given."""
    cosign: ToolConfig = Field(default_factory=ToolConfig)
    """cosign, which signs and verifies."""
    hadolint: ToolConfig = Field(default_factory=ToolConfig)
    """hadolint, which reads Dockerfiles."""
    busybox: ToolConfig = Field(default_factory=ToolConfig)
    """BusyBox, a static one, which starts images for the policy."""
    k6: ToolConfig = Field(default_factory=ToolConfig)
    """k6, which makes the load of load tests."""
