"""Where an image comes from, decided while planning: what the provenance says.

Example:
    >>> Builder(id="urn:keelway:builder:local", kind="local").level
    1
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

BuilderKind = Literal["local", "ci", "reusable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Who built: a person's machine, a CI's job, or a workflow that others reuse.

    SLSA 1.0 asks for another `builder.id` wherever the trust is another (section "Builder").
    """

    id: str
    """Its URI: what `builder.id` of the provenance says."""
    kind: BuilderKind
    """The CI's name, or `local`."""
    invocation: str | None = None
    """Address of the CI's run, where there is one."""

    @property
    def level(self) -> int:
        """Return the SLSA build level that may be claimed at most: 1 from keelway's own signature.

        The level 2 asks for provenance that the platform signs and the build cannot forge; keelway
        runs in the job, so it never says more than 1 by itself, wherever it runs.
        """
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One thing that went into a build: a resource descriptor of in-toto."""

    uri: str
    """Where it is from."""
    digest: Mapping[str, str] = field(default_factory=dict[str, str])
    """By algorithm: `sha256`, `gitCommit`."""
    name: str | None = None
    """What it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How one image was asked for, and what it was made of."""

    image: str
    """The image's name."""
    source: Dependency | None
    """The commit; none outside of git."""
    parameters: Mapping[str, object]
    """What the caller gave: Dockerfile, target, arguments. No value that was not allowed."""
    dependencies: tuple[Dependency, ...] = ()
    """Base images."""
