"""The registries of the configuration, and their logins for what Dagger's API does not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._secrets import plan_secret, read_secret
from keelway.model.registry import LoginSpec, RegistrySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway._stage import Run
    from keelway.config import Config, RegistryConfig
    from keelway.facts import Facts
    from keelway.registry.logins import Login


def plan_registries(config: Config, facts: Facts) -> tuple[RegistrySpec, ...]:
    """Return where images are published.

    Raises:
        PlanError: When a password is missing.
    """
    return tuple(_plan(registry, facts) for registry in config.registries)


def _plan(registry: RegistryConfig, facts: Facts) -> RegistrySpec:
    if registry.username is None or registry.password is None:
        return RegistrySpec(url=registry.url)
    password = plan_secret(registry.password, facts, what=f"the password for {registry.url}")
    login = LoginSpec(username=registry.username, password=password)
    return RegistrySpec(url=registry.url, login=login)


async def find_login(
    run: Run,
    repository: str,
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
    stage: str,
) -> Login | None:
    """Return whom to log in as for a repository: as configured, else as this machine is.

    Args:
        run: The run.
        repository: `host[:port]/path`.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.
        stage: Which stage asks, for errors.

    Raises:
        PlanError: A password cannot be read.
    """
    from keelway.registry.logins import Login, load_logins  # noqa: PLC0415 - not for a plan

    for registry in registries:
        if registry.login is not None and registry.has(repository):
            what = f"the password for {registry.url}"
            password = await read_secret(run, registry.login.password, stage=stage, what=what)
            return Login(username=registry.login.username, password=password)
    logins = await load_logins(files)
    return await logins.find(repository.partition("/")[0])
