"""Which CI this is, told by its variables; two at once are an error, unless one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.facts.ci import (
    appveyor,
    azure,
    bitbucket,
    buildkite,
    circleci,
    codebuild,
    codefresh,
    drone,
    gitea,
    github,
    gitlab,
    google,
    jenkins,
    semaphore,
    teamcity,
    travis,
    woodpecker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.facts.ci.job import CiJob, Provider, Read

CHOICE = "KEELWAY_CI"
"""The variable that names the provider, or `none`, where the environment does not say it well."""

PROVIDERS: tuple[Provider, ...] = (
    github.PROVIDER,
    gitea.PROVIDER,
    gitlab.PROVIDER,
    jenkins.PROVIDER,
    circleci.PROVIDER,
    azure.PROVIDER,
    bitbucket.PROVIDER,
    buildkite.PROVIDER,
    drone.PROVIDER,
    woodpecker.PROVIDER,
    travis.PROVIDER,
    teamcity.PROVIDER,
    semaphore.PROVIDER,
    appveyor.PROVIDER,
    codefresh.PROVIDER,
    codebuild.PROVIDER,
    google.PROVIDER,
)


def find_job(environ: Mapping[str, str], read: Read | None = None) -> CiJob | None:
    """Return the job that runs here; nothing on a person's machine.

    Args:
        environ: The environment.
        read: Reads files that the environment names; without it they are not looked at.

    Raises:
        PlanError: When two providers claim the environment, or KEELWAY_CI names none.
    """
    chosen = environ.get(CHOICE, "")
    provider = _named(chosen) if chosen else _shown(environ)
    return None if provider is None else provider.read(environ, read or _nothing)


def _named(chosen: str) -> Provider | None:
    if chosen == "none":
        return None
    known = {provider.name: provider for provider in PROVIDERS}
    if chosen not in known:
        raise PlanError(
            f"{CHOICE} is {chosen!r}, which is no CI that keelway knows",
            next_step=f"set it to one of {', '.join(sorted(known))}, or to none; or unset it",
        )
    return known[chosen]


def _shown(environ: Mapping[str, str]) -> Provider | None:
    shown = {
        provider.name: (provider, variable)
        for provider in PROVIDERS
        if (variable := provider.mark(environ)) is not None
    }
    beaten = {name for provider, _ in shown.values() for name in provider.over}
    left = [entry for name, entry in shown.items() if name not in beaten]
    if len(left) > 1:
        claims = " and ".join(f"{variable} ({provider.title})" for provider, variable in left)
        names = " or ".join(f"{CHOICE}={provider.name}" for provider, _ in left)
        raise PlanError(
            f"the environment is that of more than one CI: {claims} are set",
            next_step=f"unset what does not belong here, or say which it is by {names}",
        )
    return left[0][0] if left else None


def _nothing(_: str) -> str | None:
    return None
