"""What a deployment came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The release that is to be deployed."""

    version: str
    """What people call it."""
    images: Mapping[str, str]
    """By image: `registry/repository@sha256:...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What runs on a host now."""

    host: str
    version: str | None
    """Nothing where nothing runs."""
    replaced: str | None = None
    """What ran before."""
    colour: str | None = None
    """Which of two colours serves, where there are two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRollout:
    """One target after a deployment or a rollback."""

    target: str
    """Its name under `[deploy]`."""
    environment: str
    kind: str
    """`compose`, `gitops` or `kubernetes`."""
    version: str
    images: Mapping[str, str]
    """By image, by digest."""
    evidence: tuple[str, ...] = ()
    """What was verified before anything was touched."""
    hosts: tuple[HostState, ...] = ()
    """Where it runs, for hosts."""
    details: tuple[str, ...] = ()
    """What else there is to say, a line each: a commit, a branch."""
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The result of the deploy stage: every target, in the order of the configuration."""

    targets: tuple[TargetRollout, ...]
