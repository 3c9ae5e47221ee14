"""The registries of the configuration, and their logins for what Dagger's API does not do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway._secrets import plan_secret, read_own_secret, read_secret
from keelway.config.registry import RegistryConfig
from keelway.errors import PlanError
from keelway.facts.gather import login_files
from keelway.model.registry import LoginSpec, RegistrySpec
from keelway.registry.providers.known import VARIABLES, provider_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keelway._stage import Run
    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.registry.keyring import Keyring
    from keelway.registry.logins import Login


def plan_registries(config: Config, facts: Facts) -> tuple[RegistrySpec, ...]:
    """Return where images are published: each registry, and its fall-back behind it.

    Raises:
        PlanError: When a password is missing, or nobody may log in here.
    """
    variables = facts.variables if facts.untrusted is None else frozenset[str]()
    return with_fallbacks(tuple(_plan(one, facts) for one in config.registries), variables)


def with_fallbacks(
    registries: tuple[RegistrySpec, ...], variables: frozenset[str]
) -> tuple[RegistrySpec, ...]:
    """Return registries with their fall-backs; one may be another of the registries.

    Args:
        registries: As configured.
        variables: Names of the environment variables that are set and may be read.
    """
    standing_in = {one.fallback: one.url for one in registries if one.fallback is not None}
    known = {one.url: replace(one, fallback_of=standing_in.get(one.url)) for one in registries}
    for place, url in standing_in.items():
        if place not in known:
            login = _login(RegistryConfig(url=place), None, variables)
            known[place] = RegistrySpec(url=place, login=login, fallback_of=url)
    return tuple(known.values())


def _plan(registry: RegistryConfig, facts: Facts) -> RegistrySpec:
    if facts.untrusted is not None and registry.login is not None:
        raise PlanError(
            f"nobody logs in to {registry.url}: {facts.untrusted}",
            next_step="leave out what needs it where pull requests of forks are built",
        )
    password = None
    if registry.password is not None:
        what = f"the password for {registry.url}"
        password = plan_secret(registry.password, facts, what=what)
    trusted = facts.variables if facts.untrusted is None else frozenset[str]()
    return _spec(registry, password, trusted)


def _spec(
    registry: RegistryConfig, password: str | None, variables: frozenset[str]
) -> RegistrySpec:
    return RegistrySpec(
        url=registry.url,
        login=_login(registry, password, variables),
        mirrors=registry.mirrors,
        fallback=registry.fallback,
    )


def _login(
    registry: RegistryConfig, password: str | None, variables: frozenset[str]
) -> LoginSpec | None:
    host = registry.url.partition("/")[0]
    provider = registry.login or provider_of(host, of_gitlab_job="CI_REGISTRY" in variables)
    if registry.login is None and password is None and provider == "docker-config":
        return None
    read = tuple(name for name in VARIABLES.get(provider, ()) if name in variables)
    return LoginSpec(
        username=registry.username,
        password=password,
        provider=registry.login,
        variables=() if registry.username is not None else read,
    )


def plan_mirrors(config: Config) -> dict[str, tuple[str, ...]]:
    """Return where images are pulled from when their own registry does not answer.

    By its prefix: what `mirrors` says, and the mirrors and fall-backs of those published to.
    """
    found = {prefix: tuple(places) for prefix, places in config.mirrors.items()}
    for one in config.registries:
        more = (*one.mirrors, *(() if one.fallback is None else (one.fallback,)))
        if more:
            found[one.url] = tuple(dict.fromkeys((*found.get(one.url, ()), *more)))
    return found


def mirror_settings(mirrors: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return mirrors as the local engine takes them: a variable of its environment.

    >>> mirror_settings({"docker.io": ["mirror.test/hub"]})
    {'KEELWAY_ENGINE_MIRRORS': 'docker.io=mirror.test/hub'}
    """
    pairs = [f"{prefix}={place}" for prefix, places in mirrors.items() for place in places]
    return {"KEELWAY_ENGINE_MIRRORS": " ".join(pairs)} if pairs else {}


def own_keyring(config: Config | None, root: Path, environ: Mapping[str, str]) -> Keyring:
    """Return the logins of a command that needs no engine; each is looked for when it is needed.

    Args:
        config: The configuration, where there is one.
        root: What its paths are relative to.
        environ: The environment.
    """
    from keelway.registry.keyring import Keyring  # noqa: PLC0415 - not for a plan

    variables = frozenset(name for name, value in environ.items() if value)

    async def read(source: str, what: str) -> str:
        scheme, _, rest = source.partition("://")
        found = f"file://{(root / rest).resolve()}" if scheme == "file" else source
        return (await read_own_secret(found, what=what)).strip()

    configured = () if config is None else config.registries
    specs = tuple(_spec(one, one.password, variables) for one in configured)
    return Keyring(
        registries=with_fallbacks(specs, variables),
        files=login_files(environ),
        read=read,
        variables=variables,
    )


def stage_keyring(
    run: Run, *, registries: Sequence[RegistrySpec], files: Sequence[str], stage: str
) -> Keyring:
    """Return the logins of a stage, whose secrets the engine's client reads.

    Args:
        run: The run.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.
        stage: Which stage asks, for errors.
    """
    from keelway.registry.keyring import Keyring  # noqa: PLC0415 - not for a plan

    async def read(source: str, what: str) -> str:
        return await read_secret(run, source, stage=stage, what=what)

    variables = {name for one in registries if one.login for name in one.login.variables}
    return Keyring(registries=registries, files=files, read=read, variables=frozenset(variables))


def delivery_keyring(
    run: Run, *, registries: Sequence[RegistrySpec], files: Sequence[str]
) -> Keyring:
    """Return the logins of what works without an engine; only secret stores are read by one.

    Args:
        run: The run.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.
    """
    from keelway.registry.keyring import Keyring  # noqa: PLC0415 - not for a plan

    async def read(source: str, what: str) -> str:
        return (await read_own_secret(source, what=what, run=run)).strip()

    variables = {name for one in registries if one.login for name in one.login.variables}
    return Keyring(registries=registries, files=files, read=read, variables=frozenset(variables))


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
        PlanError: A password cannot be read, or a login that is asked for is missing.
        RegistryError: Who gives logins refuses.
    """
    keyring = stage_keyring(run, registries=registries, files=files, stage=stage)
    return await keyring.find(repository)
