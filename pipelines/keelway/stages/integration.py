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
from keelway._fault_run import Experiment, as_suites, experiment
from keelway._kept import REPORT_DIRECTORY
from keelway._registries import plan_registries
from keelway._stage import Run, stage
from keelway._suite_run import run_suite
from keelway._together import each
from keelway._tools.busybox import BUSYBOX
from keelway.config.fault_checks import FAULTS_SUITE
from keelway.errors import KeelwayError, PlanError, StageError
from keelway.faults.planned import plan_faults
from keelway.model.outcome import Skipped
from keelway.model.platform import Platform, file_name, parse_platform
from keelway.model.tool import HostTool, ToolSource
from keelway.stack.planned import plan_built, plan_suite
from keelway.stack.spec import StackSpec, SuiteSpec, TestCommand

if TYPE_CHECKING:
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
            )
            for suite in written.suites
            for planned in [plan_suite(suite, project, config, facts)]
        ),
        faults=plan_faults(config, project, facts, busybox),
        platforms=tuple(dict.fromkeys(parse_platform(text) for text in written.platforms)),
        start_timeout_s=written.start_timeout_s,
        busybox=busybox,
        directory=str(facts.resolve(config.report.directory)),
    )


def _label(asked: tuple[SuiteSpec | FaultSpec, Platform | None]) -> str:
    suite, platform = asked
    return suite.name if platform is None else f"{suite.name} ({platform})"


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
    work = run.watched("integration", _label, lambda one: _ended(run, spec, images, *one))
    ended = await each(work, asked, limit=_AT_ONCE)
    done = [one for one, _ in ended if one is not None]
    suites = [one for one in done if not isinstance(one, Experiment)]
    experiments = as_suites(one for one in done if isinstance(one, Experiment))
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
    run: Run,
    spec: IntegrationSpec,
    images: Images,
    one: SuiteSpec | FaultSpec,
    platform: Platform | None,
) -> tuple[SuiteResult | Experiment | None, KeelwayError | None]:
    """Run one suite or experiment; one that breaks does not stop its neighbours."""
    try:
        if isinstance(one, SuiteSpec):
            folder = _folder(one.name, platform)
            beside = _beside(spec, one, platform)
            suite, broken = await run_suite(
                run, one, beside, images, directory=spec.directory, folder=folder
            )
            return suite, None if broken is None else _named(one, broken)
        here = replace(one, beside=replace(one.beside, platform=platform))
        folder = f"{_folder(FAULTS_SUITE, platform)}/{one.name}"
        done = await experiment(run, here, images, directory=spec.directory, folder=folder)
    except KeelwayError as error:
        return None, _named(one, error)
    return done, None


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
