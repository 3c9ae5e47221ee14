"""Run test suites against the very images that will ship, with their real neighbours beside them.

Each suite gets a set of services of its own, out of a compose file; suites run side by side, and so
do experiments, in which a service is hurt: they are one more suite, `faults`. Failed tests are
results, which `keelway.stages.gate` judges; a service that does not start is one too. A
test tool that breaks is a `ToolError`.

Example:
    >>> from pathlib import Path
    >>> from keelway.compose.project import Place, Project, Service
    >>> tests = Service(name="tests", place=Place(file=Path("compose.yaml"), line=1))
    >>> project = Project(name="shop", folder=Path("/shop"), files=(), services={})
    >>> SuiteSpec(name="api", tests=tests, project=project).timeout_s
    600.0
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._cage import plan_tool
from keelway._fault_run import as_experiment, as_suites, experiment
from keelway._kept import REPORT_DIRECTORY
from keelway._registries import plan_registries
from keelway._reuse import Memory, open_memory
from keelway._stage import Run, stage
from keelway._suite_run import run_suite
from keelway._together import each
from keelway._tools.busybox import BUSYBOX
from keelway.config.fault_checks import FAULTS_SUITE
from keelway.errors import KeelwayError, PlanError, StageError
from keelway.faults.planned import plan_faults
from keelway.model.outcome import Skipped
from keelway.model.platform import Platform, file_name, parse_platform
from keelway.model.reuse import ReuseSpec
from keelway.model.tool import HostTool, ToolSource
from keelway.stack.planned import plan_built, plan_suite
from keelway.stack.spec import StackSpec, SuiteSpec, TestCommand

if TYPE_CHECKING:
    from datetime import datetime

    from keelway.config import Config
    from keelway.facts import Facts
    from keelway.faults.spec import FaultSpec
    from keelway.model.image import Images
    from keelway.model.tests import SuiteResult, TestResults

TOOLS = (BUSYBOX,)

_AT_ONCE = 4
"""So many suites run side by side; each has all services of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationSpec:
    """What is run."""

    suites: tuple[SuiteSpec, ...] = ()
    """Run side by side."""
    faults: tuple[FaultSpec, ...] = ()
    """The experiments."""
    left_out: str | None = None
    """Why the suites that are configured do not run, where only experiments are asked for."""
    platforms: tuple[Platform, ...] = ()
    """Suites and experiments run once for each of them; once for the engine's own when empty."""
    start_timeout_s: float = 120.0
    """Seconds that the services may take to be healthy."""
    busybox: ToolSource = HostTool(path="busybox")  # noqa: RUF009 - frozen
    """Where BusyBox comes from, which starts and watches the services."""
    reuse: ReuseSpec = ReuseSpec()  # noqa: RUF009 - frozen
    """How long what passed counts again, where nothing that decides it changed."""
    directory: str = REPORT_DIRECTORY
    """Where the logs of services and tests are kept, as `integration/SUITE/SERVICE.log`."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the compose files ask for and is not done here."""
        told = [] if self.left_out is None else [f"no test suites: {self.left_out}"]
        told += [note for suite in self.suites for note in suite.notes]
        told += [note for fault in self.faults for note in fault.notes]
        return tuple(dict.fromkeys(told))

    def without_suites(self, reason: str) -> IntegrationSpec:
        """Return the experiments alone.

        Raises:
            PlanError: There are none.
        """
        if not self.faults:
            raise PlanError(
                "there is no experiment to run", next_step="write one: [[integration.faults]]"
            )
        return replace(self, suites=(), left_out=reason if self.suites else None)

    def rerunning(self) -> IntegrationSpec:
        """Return the same, but that nothing is reused."""
        return replace(self, reuse=self.reuse.rerunning())


def plan_integration(config: Config, facts: Facts) -> IntegrationSpec | Skipped:
    """Return what is run, or why nothing is.

    Raises:
        ConfigError: The compose file asks for what cannot be done.
        PlanError: A suite names what is not there, or BusyBox is missing.
    """
    written = config.integration
    if not written.enabled:
        return Skipped("integration.enabled is false")
    if not written.suites and not written.faults:
        return Skipped("no integration test suite is configured")
    project = facts.compose
    if project is None:
        raise PlanError(
            "the compose files were not read",
            next_step="give the project to Facts(compose=...), as gather_facts does",
        )
    registries = plan_registries(config, facts)
    busybox = plan_tool(BUSYBOX, config.tools.busybox, facts)
    return IntegrationSpec(
        suites=tuple(
            SuiteSpec(
                name=suite.name,
                tests=planned.tests,
                project=planned.project,
                services=suite.services,
                built=plan_built(planned, config, registries),
                junit=suite.junit,
                timeout_s=suite.timeout_s,
                notes=planned.notes,
                reuse=suite.reuse,
            )
            for suite in written.suites
            for planned in [plan_suite(suite, project, config, facts)]
        ),
        faults=plan_faults(config, project, facts, busybox),
        platforms=tuple(dict.fromkeys(parse_platform(text) for text in written.platforms)),
        start_timeout_s=written.start_timeout_s,
        busybox=busybox,
        reuse=ReuseSpec(days=written.reuse_days),
        directory=str(facts.resolve(config.report.directory)),
    )


def _label(asked: tuple[SuiteSpec | FaultSpec, Platform | None]) -> str:
    suite, platform = asked
    return suite.name if platform is None else f"{suite.name} ({platform})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What all suites have in common."""

    run: Run
    spec: IntegrationSpec
    images: Images
    memory: Memory | None


@stage("integration")
async def run_integration(run: Run, spec: IntegrationSpec, images: Images) -> TestResults:
    """Return what every suite said, and what became of the services beside it.

    Args:
        run: The run.
        spec: The suites, and the services beside them.
        images: What was built.

    Raises:
        ConfigError: A service cannot be run as it is written.
        PlanError: A secret cannot be read, or an image was not built.
        ToolError: The tests' command broke; the results of the other suites are `partial`.
        ToolOutputError: What the tests wrote is no JUnit file.
        StageError: The engine does not start a service.
    """
    from keelway.model.tests import TestResults  # noqa: PLC0415 - not for a plan

    asked: list[tuple[SuiteSpec | FaultSpec, Platform | None]] = [
        (one, platform)
        for some in (spec.suites, spec.faults)
        for one in some
        for platform in spec.platforms or (None,)
    ]
    memory = open_memory(
        run, spec.reuse, spec.busybox, stage="integration", directory=spec.directory
    )
    here = _Work(run=run, spec=spec, images=images, memory=memory)
    work = run.watched("integration", _label, lambda one: _ended(here, *one))
    ended = await each(work, asked, limit=_AT_ONCE)
    done = [one for one, _ in ended if one is not None]
    suites = [one for one in done if not one.faults]
    experiments = as_suites(as_experiment(one) for one in done if one.faults)
    results = TestResults(suites=(*suites, *experiments), notes=spec.notes)
    for note in results.notes:
        run.say("integration", note)
    for suite in results.suites:
        for line in suite.told():
            run.say("integration", line)
    broken = [error for _, error in ended if error is not None]
    if broken:
        for other in broken[1:]:
            broken[0].add_note(f"also failed: {other}")
        if isinstance(broken[0], StageError):
            broken[0].partial = results
        raise broken[0]
    return results


async def _ended(
    work: _Work, one: SuiteSpec | FaultSpec, platform: Platform | None
) -> tuple[SuiteResult | None, KeelwayError | None]:
    """Run one suite or experiment, unless its result is there; one that breaks stops no other."""
    from keelway.model.tests import SuiteResult  # noqa: PLC0415 - not for a plan

    memory, place = work.memory if one.reuse else None, None
    try:
        if memory is not None:
            place = await memory.look(await _inputs(work, one, platform), SuiteResult)
            if place.kept is not None:
                return _as_reused(place.kept), None
        began = work.run.clock.now()
        suite, broken = await _carried_out(work, one, platform)
        suite = _dated(suite, began)
        if memory is not None and place is not None:
            passed = broken is None and suite.sound
            await memory.keep(place, suite, at=began, passed=passed, files=suite.logs)
    except KeelwayError as error:
        return None, _named(one, error)
    return suite, None if broken is None else _named(one, broken)


async def _carried_out(
    work: _Work, one: SuiteSpec | FaultSpec, platform: Platform | None
) -> tuple[SuiteResult, KeelwayError | None]:
    run, spec, images = work.run, work.spec, work.images
    if isinstance(one, SuiteSpec):
        folder = _folder(one.name, platform)
        beside = _beside(spec, one, platform)
        return await run_suite(run, one, beside, images, directory=spec.directory, folder=folder)
    here = replace(one, beside=replace(one.beside, platform=platform))
    folder = f"{_folder(FAULTS_SUITE, platform)}/{one.name}"
    done = await experiment(run, here, images, directory=spec.directory, folder=folder)
    return as_suites((done,))[0], None


async def _inputs(
    work: _Work, one: SuiteSpec | FaultSpec, platform: Platform | None
) -> dict[str, object]:
    """Return all that decides what a suite or an experiment says."""
    from keelway.stack.inputs import described, stack_inputs  # noqa: PLC0415 - not for a plan

    if isinstance(one, SuiteSpec):
        beside = _beside(work.spec, one, platform)
        asked: object = [one.name, one.junit, one.timeout_s]
    else:
        beside, asked = replace(one.beside, platform=platform), one
    around = await stack_inputs(work.run, beside, work.images, stage="integration")
    return {"asked": described(asked, beside.project.folder), "beside": around}


def _dated(suite: SuiteResult, began: datetime) -> SuiteResult:
    faults = tuple(replace(fault, ran_at=began) for fault in suite.faults)
    return replace(suite, ran_at=began, faults=faults)


def _as_reused(suite: SuiteResult) -> SuiteResult:
    faults = tuple(replace(fault, reused=True) for fault in suite.faults)
    return replace(suite, reused=True, faults=faults)


def _beside(spec: IntegrationSpec, suite: SuiteSpec, platform: Platform | None) -> StackSpec:
    return StackSpec(
        project=suite.project,
        services=suite.services,
        built=suite.built,
        platform=platform,
        tests=TestCommand(service=suite.tests, timeout_s=suite.timeout_s, results=suite.junit),
        start_limit_s=spec.start_timeout_s,
        busybox=spec.busybox,
    )


def _folder(name: str, platform: Platform | None) -> str:
    """Return where the logs of a suite go."""
    return f"integration/{name if platform is None else f'{name}-{file_name(platform)}'}"


def _named(suite: SuiteSpec | FaultSpec, error: KeelwayError) -> KeelwayError:
    """Return the error with the suite's name in front of what it says."""
    error.message = f"{suite.name}: {error.message}"
    error.args = (error.message,)
    return error
