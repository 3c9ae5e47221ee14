"""What a command line says of caches, and the caches that it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._cli.env import environment
from keelway._registries import own_keyring
from keelway.caches.spec import plan_cache
from keelway.caches.travel import Caches
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway._cli.prepare import Prepared
    from keelway.registry.logins import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """`--cache-from` and `--cache-to`; what the configuration says where they are absent."""

    sources: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    proving: bool = False
    """Whether other machines publish what is made here."""

    def caches(self, prepared: Prepared) -> Caches:
        """Return what is done with caches.

        Raises:
            PlanError: A place is none.
        """
        config, facts = prepared.written, prepared.facts
        spec = plan_cache(
            config,
            facts,
            sources=self.sources,
            targets=self.targets,
            trusted=self.proving or not isinstance(prepared.plan.deliver, Skipped),
        )
        if facts.untrusted is not None:
            return Caches(spec=spec, find_login=_nobody)
        keyring = own_keyring(config, prepared.loaded.root, environment())
        return Caches(spec=spec, find_login=keyring.find)


NO_CACHING = Caching()


async def _nobody(_repository: str) -> Login | None:
    """Log in as nobody, as runs of other people's code do."""
    return None
