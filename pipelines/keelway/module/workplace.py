"""A place to work for one call: a copy of the repository, its plan, and a run on both."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagger import dag

from keelway._cli.env import environment
from keelway._stage import Clock, Run, failures_of
from keelway.errors import KeelwayError, PlanError
from keelway.model.checkout import Checkout
from keelway.model.events import EngineChosen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from keelway.config import Loaded
    from keelway.facts import Facts
    from keelway.model.events import Observer
    from keelway.module.project import Project
    from keelway.planning import Part, Plan

_OWN_VARIABLES = ("HOME", "PATH")
"""What a function takes of the environment that it runs in: where programs and logins are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of the repository, and what is true of it."""

    root: Path
    loaded: Loaded
    facts: Facts
    project: Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace(Copy):
    """A copy of the repository, and what will be done with it."""

    plan: Plan

    @property
    def reports(self) -> Path:
        """Return where the report goes."""
        return self.facts.resolve(self.loaded.config.report.directory)

    @asynccontextmanager
    async def open_run(self, observer: Observer, clock: Clock) -> AsyncGenerator[Run]:
        """Give the run: containers get the directory that the engine has already."""
        observer.on(
            EngineChosen(
                name="session", reason="a function of a module", version=await dag.version()
            )
        )
        project = self.project
        yield Run(
            dag,
            observer,
            clock,
            checkout=Checkout(root=self.root, directory=project.source),
            secrets=dict(zip(project.secret_names, project.secrets, strict=True)),
        )


@asynccontextmanager
async def open_copy(project: Project, *, compose: bool = False) -> AsyncGenerator[Copy]:
    """Give a copy of the repository; it is gone after the call.

    Args:
        project: The repository.
        compose: Whether its compose files are read.

    Raises:
        ConfigError: The configuration is wrong.
        PlanError: There is no such folder, or a variable is not one.
    """
    from keelway.facts import gather_facts  # noqa: PLC0415 - registering is quick
    from keelway.planning import TOOLS  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory(prefix="keelway-module-") as folder:
        root = _in_place(folder)
        with _shown_as_source(root):
            loaded = await _load(project, root)
            names = {tool.name for tool in TOOLS}
            facts = gather_facts(loaded, environ_of(project), names, compose=compose)
            facts = replace(facts, variables=facts.variables | set(project.secret_names))
            yield Copy(root=root, loaded=loaded, facts=facts, project=project)


@asynccontextmanager
async def open_workplace(
    project: Project, without: Mapping[Part, str] | None = None
) -> AsyncGenerator[Workplace]:
    """Give a place to work; it is gone after the call.

    Args:
        project: The repository.
        without: Parts that are left out whatever the configuration says, each with the reason.

    Raises:
        ConfigError: The configuration is wrong.
        PlanError: It asks for what cannot be done here.
    """
    from keelway.planning import plan_release  # noqa: PLC0415 - registering is quick

    compose = not {"integration", "load"} <= (without or {}).keys()
    async with open_copy(project, compose=compose) as copy:
        plan = plan_release(copy.loaded.config, copy.facts, without=without)
        yield Workplace(
            root=copy.root, loaded=copy.loaded, facts=copy.facts, project=project, plan=plan
        )


def _in_place(folder: str) -> Path:
    """Return where the copy goes, without symbolic links on the way to it."""
    return Path(folder).resolve() / "source"


async def _load(project: Project, root: Path) -> Loaded:
    """Copy the repository, and read its configuration."""
    from keelway.config import load_config  # noqa: PLC0415 - registering is quick
    from keelway.config.loader import CONFIG_FILE  # noqa: PLC0415 - likewise

    with failures_of("source", "copying the source directory"):
        await project.source.export(str(root))
    folder = (root / project.path).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root):
        raise PlanError(
            f"there is no folder {project.path} in the source directory",
            next_step="name the folder that holds keelway.toml, relative to the source directory",
        )
    if project.config is None:
        return load_config(folder, folder)
    file = folder / CONFIG_FILE
    with failures_of("source", "copying the configuration"):
        await project.config.export(str(file))
    return load_config(folder, file)


def environ_of(project: Project) -> dict[str, str]:
    """Return what the function knows of an environment: what it was given, and little else.

    Raises:
        PlanError: A variable is given without a value.
    """
    here = environment()
    known = {name: here[name] for name in _OWN_VARIABLES if name in here}
    for variable in project.variables:
        name, separator, value = variable.partition("=")
        if not name or not separator:
            raise PlanError(
                f"variables: '{variable}' is not of the form NAME=VALUE",
                next_step='give each as in --variables="GITHUB_REF=refs/heads/main"',
            )
        known[name] = value
    return known


@contextmanager
def _shown_as_source(root: Path) -> Generator[None]:
    """Take the copy's place out of errors: nobody but this call ever sees it."""
    try:
        yield
    except KeelwayError as error:
        error.message = _without(root, error.message)
        error.why = None if error.why is None else _without(root, error.why)
        error.next_step = None if error.next_step is None else _without(root, error.next_step)
        raise


def _without(root: Path, text: str) -> str:
    return text.replace(f"{root}/", "").replace(str(root), "the source directory")
