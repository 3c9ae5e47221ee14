"""Whom to log in as, registry by registry: each is asked once, and again when it is over.

What the configuration says goes first, then the logins of this machine, then what the registry's
provider gives: a job's token, a cloud's identity.
"""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from keelway.errors import PlanError
from keelway.registry.logins import Login, load_logins
from keelway.registry.providers.given import Given
from keelway.registry.providers.known import REMEDIES, VARIABLES, provider_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from keelway.model.registry import Provider, RegistrySpec

_MODULES: Mapping[Provider, str] = {
    "ghcr": "ghcr",
    "docker-hub": "docker_hub",
    "ecr": "ecr",
    "gar": "gar",
    "acr": "acr",
    "quay": "quay",
    "gitlab": "gitlab",
}
"""Providers with a way of their own; the others have username and password."""


@dataclass(slots=True, kw_only=True)
class Keyring:
    """Logins, found when they are needed."""

    registries: Sequence[RegistrySpec]
    """The configured ones."""
    files: Sequence[str]
    """Docker's configurations, the first that exists counts."""
    read: Callable[[str, str], Awaitable[str]]
    """Reads a secret by its address; it is given what it is, too."""
    variables: frozenset[str] = frozenset()
    """Names of the environment variables that are set."""
    known: dict[str, Login] = field(default_factory=dict[str, Login])
    """Those that were found, by registry."""
    asking: anyio.Lock = field(default_factory=anyio.Lock)

    async def find(self, repository: str) -> Login | None:
        """Return whom to log in as for a repository, `host[:port]/path`; nothing if nobody.

        Raises:
            PlanError: A secret cannot be read, or a login that the configuration names is missing.
            RegistryError: A provider refuses, or does not answer.
        """
        spec = next((one for one in self.registries if one.has(repository)), None)
        host = repository.partition("/")[0]
        place = host if spec is None else spec.url
        async with self.asking:
            login = self.known.get(place)
            if login is None:
                login = await self._ask(spec, host)
            else:
                login = await login.fresh(now=time.time())
            if login is not None:
                self.known[place] = login
        return login

    async def _ask(self, spec: RegistrySpec | None, host: str) -> Login | None:
        wanted = None if spec is None else spec.login
        password = None
        if wanted is not None and wanted.password is not None:
            password = await self.read(wanted.password, f"the password for {host}")
            if wanted.username is not None:
                return Login(username=wanted.username, password=password)
        named = None if wanted is None else wanted.provider
        if named is None or named == "docker-config":
            found = await (await load_logins(self.files)).find(host)
            if found is not None or named is not None:
                return found
        of_job = "CI_REGISTRY" in self.variables
        provider = named or provider_of(host, of_gitlab_job=of_job)
        given = Given(host=host, password=password)
        try:
            login = await self._by_provider(provider, given)
        except PlanError:
            # Nobody said anything of this registry: it may answer everybody.
            if spec is None:
                return None
            raise
        if login is None and named is not None:
            raise PlanError(
                f"there is no login for {host} ({provider})", next_step=REMEDIES[provider]
            )
        return login

    async def _by_provider(self, provider: Provider, given: Given) -> Login | None:
        module = _MODULES.get(provider)
        if module is None:
            return None
        known = {
            name: await self.read(f"env://{name}", name)
            for name in VARIABLES.get(provider, ())
            if name in self.variables
        }
        asked = replace(given, variables=known)
        # One file each, read when it is needed: those of clouds bring their own weight.
        way = importlib.import_module(f"keelway.registry.providers.{module}")

        async def ask() -> Login | None:
            found: Login | None = await way.log_in(asked)
            return found

        async def again() -> Login:
            found = await ask()
            if found is None:
                raise PlanError(
                    f"the login for {given.host} is over, and there is no other",
                    next_step=REMEDIES[provider],
                )
            return replace(found, renew=again)

        login = await ask()
        if login is None or login.expires_at is None:
            return login
        return replace(login, renew=again)
