"""What a run does with caches: by configuration, command line and facts. Pure.

Runs of other people's code read, and never write: what they made is for them alone. They have no
secrets, so they cannot ask who signed what they read, and nothing of theirs is published.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._secrets import plan_secret
from keelway.caches.place import FolderPlace, parse_place
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.caches.place import Place
    from keelway.config import Config
    from keelway.facts import Facts

RESULTS = "keelway/results"
"""The cache volume in which keelway itself remembers tests that passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """Where caches come from and go to, and who is believed."""

    pipeline: str
    """Whose uses go along: the project's."""
    sources: tuple[Place, ...] = ()
    targets: tuple[Place, ...] = ()
    key: str | None = None
    """The address of the secret that signs."""
    used_within: str = "14d"
    volumes: tuple[str, ...] = (RESULTS,)
    read_only: str | None = None
    """Why nothing is written, where something was to be."""
    keyless: bool = False
    """Whether nothing is read either, for want of the key that says what to believe."""

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing travels."""
        return not self.sources and not self.targets


def plan_cache(
    config: Config,
    facts: Facts,
    *,
    sources: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    trusted: bool = True,
) -> CacheSpec:
    """Return what a run does with caches.

    Where there is a key and it is not to be had, what others will get is made without any cache;
    everything else reads, and writes nothing.

    Args:
        config: What was written.
        facts: What is true here.
        sources: What `--cache-from` says; it stands in for the configuration.
        targets: What `--cache-to` says; likewise.
        trusted: Whether others get what is made here: images that are published, proofs.

    Raises:
        PlanError: A place is none.
    """
    cache = config.cache
    taken = tuple(parse_place(one, writing=False) for one in (sources or cache.take_from))
    put = tuple(parse_place(one, writing=True) for one in (targets or cache.put_to))
    spec = CacheSpec(
        pipeline=config.project.name,
        sources=tuple(_resolved(one, facts) for one in taken),
        targets=tuple(_resolved(one, facts) for one in put),
        used_within=cache.used_within,
        volumes=tuple(dict.fromkeys((RESULTS, *cache.volumes))),
    )
    if spec.is_idle:
        return spec
    if facts.untrusted is not None:
        return replace(spec, targets=(), read_only=facts.untrusted)
    if cache.key is None:
        return spec
    try:
        return replace(spec, key=plan_secret(cache.key, facts, what="the key of the cache"))
    except PlanError as error:
        left: tuple[Place, ...] = () if trusted else spec.sources
        return replace(spec, sources=left, targets=(), read_only=error.message, keyless=trusted)


def _resolved(place: Place, facts: Facts) -> Place:
    return FolderPlace(str(facts.resolve(place.path))) if isinstance(place, FolderPlace) else place
