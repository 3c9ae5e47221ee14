"""What a shell is offered for the words of a command line: by Typer, and what is here beside it.

A shell waits for the answer, and nothing that goes wrong may be written between its words: where
there is no configuration, or a wrong one, nothing is offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 -- Typer reads the annotations of what completes

from keelway.calling.outline import module_of, offers
from keelway.config.fault_checks import FAULTS_SUITE
from keelway.config.naming import repositories_of
from keelway.errors import KeelwayError
from keelway.model.platform import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.compose.project import Project
    from keelway.config import Loaded


def complete_platform(incomplete: str) -> list[str]:
    """Return the platforms that can be built for."""
    return _beginning(KNOWN, incomplete)


def complete_built_platform(incomplete: str) -> list[str]:
    """Return the platforms that images of the configuration are built for; all without one."""
    loaded = _loaded()
    if loaded is None:
        return complete_platform(incomplete)
    found = (text for image in loaded.config.images.values() for text in image.platforms)
    return _beginning(dict.fromkeys(found), incomplete)


def complete_suite(incomplete: str) -> list[str]:
    """Return the test suites of the configuration, and what its experiments are called."""
    loaded = _loaded()
    if loaded is None:
        return []
    tests = loaded.config.integration
    names = [suite.name for suite in tests.suites]
    return _beginning([*names, *([FAULTS_SUITE] if tests.faults else [])], incomplete)


def complete_base(incomplete: str) -> list[str]:
    """Return the base images of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.base, incomplete)


def complete_published(incomplete: str) -> list[str]:
    """Return the repositories that the images of the configuration are published to."""
    loaded = _loaded()
    if loaded is None:
        return []
    names = [
        f"{registry.url.rstrip('/')}/{image}"
        for registry in loaded.config.registries
        for image in repositories_of(loaded.config)
    ]
    return _beginning(names, incomplete)


def complete_image(incomplete: str) -> list[str]:
    """Return the images of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.images, incomplete)


def complete_targets(incomplete: str) -> list[str]:
    """Return the deploy targets of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.deploy, incomplete)


def complete_environment(incomplete: str) -> list[str]:
    """Return the environments of the configuration."""
    loaded = _loaded()
    return [] if loaded is None else _beginning(loaded.config.environments, incomplete)


def complete_service(incomplete: str) -> list[str]:
    """Return the services of the compose file of this folder."""
    project = _project()
    return [] if project is None else _beginning(project.services, incomplete)


def complete_profile(incomplete: str) -> list[str]:
    """Return the profiles that services of the compose file of this folder are in."""
    project = _project()
    services = () if project is None else project.services.values()
    profiles = {profile for service in services for profile in service.profiles}
    return _beginning(sorted(profiles), incomplete)


def complete_running(incomplete: str) -> list[str]:
    """Return the projects of `keelway up` whose state is kept."""
    from keelway._cli.env import environment  # noqa: PLC0415 -- likewise
    from keelway.develop.state import state_root  # noqa: PLC0415 -- for some commands only

    try:
        folders = [one.name for one in state_root(environment()).iterdir() if one.is_dir()]
    except (KeelwayError, OSError):
        return []
    return _beginning(sorted(folders), incomplete)


def complete_ci(incomplete: str) -> list[str]:
    """Return the CIs that pipelines can be written for."""
    from keelway.ci_templates.catalog import TEMPLATES  # noqa: PLC0415 -- for one command only

    return _beginning([template.name for template in TEMPLATES], incomplete)


def complete_call(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the functions and arguments that may follow in a call, each with what it is for."""
    words: list[str] = list(ctx.params.get("words") or ())
    return _call_offers(words, incomplete, module_of(words))


def complete_function(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the functions whose result may be asked about."""
    words: list[str] = list(ctx.params.get("path") or ())
    # The functions of a result are the same whatever arguments gave it.
    return _call_offers(words, incomplete, ctx.params.get("module"), only_functions=True)


def _call_offers(
    words: list[str], incomplete: str, module: str | None, *, only_functions: bool = False
) -> list[tuple[str, str]]:
    from keelway._cli.env import environment  # noqa: PLC0415 -- likewise
    from keelway.calling.outlined import Outlines  # noqa: PLC0415 -- likewise

    outlines = Outlines(given=module, here=Path.cwd(), environ=environment())
    if not only_functions:
        return offers(words, incomplete, outlines.of)
    outline = outlines.of(tuple(words))
    if outline is None:
        return []
    return [offer for offer in outline.functions.items() if offer[0].startswith(incomplete)]


def _project() -> Project | None:
    from keelway._cli.env import environment  # noqa: PLC0415 -- likewise
    from keelway.compose.loader import load_project  # noqa: PLC0415 -- for some commands only

    try:
        return load_project(environment=environment(), profiles=["*"])
    except KeelwayError:
        return None


def _loaded() -> Loaded | None:
    from keelway.config import load_config  # noqa: PLC0415 -- not for every completion

    try:
        return load_config(Path.cwd())
    except KeelwayError:
        return None


def _beginning(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
