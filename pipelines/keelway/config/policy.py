"""[policy]: rules for Dockerfiles and images, proved by starting each image."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from keelway.config.section import Name, Section, Text, Variable

RuleLevel = Literal["error", "warn", "off"]
SizeText = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?[KMGT]?i?B$")]
GrowthText = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?(%|[KMGT]?i?B)$")]


class BudgetConfig(Section):
    """How large an image may be. What is absent is not limited."""

    size: SizeText | None = None
    """All layers of one platform, unpacked, as in `"300MB"`."""
    layer: SizeText | None = None
    """The largest layer."""
    wasted: SizeText | None = None
    """Files that a later layer replaces or removes."""
    layers: Annotated[int, Field(ge=1)] | None = None
    """The number of layers."""
    growth: GrowthText | None = None
    """How much larger than the last release an image may be, as in `"10%"` or `"20MB"`."""


class StartConfig(Section):
    """How an image is started to prove what it claims: read-only, without capabilities."""

    enabled: bool = True
    """Whether the image is started at all."""
    emulated: bool = True
    """Whether it is started too where its programs are another machine's, and emulated."""
    tmpfs: tuple[Text, ...] = ("/tmp",)  # noqa: S108 - a path in a container
    """Directories that may be written to."""
    environment: Mapping[Variable, str] = {}
    """Variables that the image needs to start; no secrets."""
    arguments: tuple[str, ...] | None = None
    """The command's arguments in place of the image's own, for a smoke test."""
    healthcheck: tuple[str, ...] | None = None
    """Command that must succeed in the started image, in place of its HEALTHCHECK."""
    timeout_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long the image may take to become healthy."""
    stop_grace_s: Annotated[int, Field(ge=1, le=3600)] = 10
    """How long it may take to stop after its STOPSIGNAL."""
    notice_s: Annotated[int, Field(ge=1, le=3600)] = 15
    """How long its health check may take at most to fail once the service is gone."""


class ImagePolicyConfig(Section):
    """What differs for one image."""

    rules: Mapping[Name, RuleLevel] = {}
    """Levels of rules for this image."""
    start: StartConfig = Field(default_factory=StartConfig)
    """How it is started."""
    budget: BudgetConfig = Field(default_factory=BudgetConfig)
    """How large it may be; what is absent here is taken from `[policy.budget]`."""


class PolicyConfig(Section):
    """Rules for Dockerfiles and images."""

    enabled: bool = True
    """Whether the policy is checked at all."""
    rules: Mapping[Name, RuleLevel] = {}
    """Levels of rules: `"error"` stops a release, `"warn"` only tells, `"off"` is not looked at."""
    budget: BudgetConfig = Field(default_factory=BudgetConfig)
    """How large images may be."""
    images: Mapping[Name, ImagePolicyConfig] = {}
    """What differs for single images, by name."""
