"""An experiment, carried out beside services of its own, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._kept import keep_logs
from keelway.compose.project import Attachment, FileGrant, FileSource, Place, Service
from keelway.config.fault_checks import FAULTS_SUITE
from keelway.errors import ToolError, ToolOutputError
from keelway.faults.script import RECORD_PATH, SCRIPT_PATH, experiment_script
from keelway.stack.spec import TestCommand
from keelway.stack.supervise import BUSYBOX_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keelway._stage import Run
    from keelway.faults.spec import FaultSpec
    from keelway.model.faults import FaultResult
    from keelway.model.image import Images
    from keelway.model.platform import Platform
    from keelway.model.tests import CaseResult, ServiceResult, SuiteResult
    from keelway.stack.running import Stack
    from keelway.stack.spec import StackSpec

_CONFIG = "keelway-experiment"
_STAGE = "integration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What came of one."""

    result: FaultResult
    platform: Platform | None
    images: tuple[str, ...]
    """The images of this build that took part."""
    cases: tuple[CaseResult, ...]
    services: tuple[ServiceResult, ...]
    seconds: float


async def experiment(
    run: Run, spec: FaultSpec, images: Images, *, directory: str, folder: str
) -> Experiment:
    """Carry one experiment out; the logs of all services are kept, whatever happens.

    Args:
        run: The run.
        spec: The experiment.
        images: What was built.
        directory: The report directory.
        folder: Where the logs go in it.

    Raises:
        ConfigError: A service cannot be run as it is written.
        PlanError: A secret cannot be read, or an image was not built.
        ToolError: The experiment itself broke.
        StageError: The engine does not start a service.
    """
    from keelway.stack.running import Stack  # noqa: PLC0415 - not for a plan

    service, script = _as_service(spec)
    project = spec.beside.project
    beside = replace(
        spec.beside,
        project=replace(project, configs={**project.configs, _CONFIG: script}),
        tests=TestCommand(service=service, timeout_s=spec.limit_s, results=(RECORD_PATH,)),
        relays={spec.service: spec.ports} if spec.cuts else {},
    )
    stack = Stack(run, beside, images)
    try:
        async with stack:
            await stack.tested()
    except BaseException:
        await keep_logs(directory, folder, stack.logs())
        raise
    logs = await keep_logs(directory, folder, stack.logs())
    for note in stack.notes:
        run.say(_STAGE, f"{spec.name}: {note}")
    return _judged(spec, beside, stack, logs)


def as_experiment(suite: SuiteResult) -> Experiment:
    """Return the one experiment that a suite is made of: what `as_suites` makes of one."""
    return Experiment(
        result=suite.faults[0],
        platform=suite.platform,
        images=suite.images,
        cases=suite.cases,
        services=suite.services,
        seconds=suite.seconds,
    )


def as_suites(done: Iterable[Experiment]) -> tuple[SuiteResult, ...]:
    """Return experiments as test suites: one for each platform."""
    from keelway.model.tests import SuiteResult  # noqa: PLC0415 - not for a plan

    by_platform: dict[Platform | None, list[Experiment]] = {}
    for one in done:
        by_platform.setdefault(one.platform, []).append(one)
    return tuple(
        SuiteResult(
            name=FAULTS_SUITE,
            platform=platform,
            images=tuple(dict.fromkeys(image for one in some for image in one.images)),
            cases=tuple(case for one in some for case in one.cases),
            services=tuple(service for one in some for service in one.services),
            seconds=max(one.seconds for one in some),
            faults=tuple(one.result for one in some),
            ran_at=min((at for one in some if (at := one.result.ran_at)), default=None),
            reused=all(one.result.reused for one in some),
        )
        for platform, some in by_platform.items()
    )


def _as_service(spec: FaultSpec) -> tuple[Service, FileSource]:
    """Return the experiment as a service beside the others, and its script."""
    project = spec.beside.project
    name = "experiment"
    while name in project.services:
        name = f"{name}-"
    networks = {key: Attachment(network=key) for key in tuple(project.networks) or ("default",)}
    service = Service(
        name=name,
        place=Place(file=project.folder / "keelway.toml", line=1),
        entrypoint=(BUSYBOX_PATH, "sh", SCRIPT_PATH),
        networks=networks,
        configs=(FileGrant(source=_CONFIG, target=SCRIPT_PATH),),
    )
    return service, FileSource(name=_CONFIG, content=experiment_script(spec))


def _judged(
    spec: FaultSpec, beside: StackSpec, stack: Stack, logs: Mapping[str, str]
) -> Experiment:
    from keelway.faults.judged import Seen, judge, parse_record, result  # noqa: PLC0415 - likewise
    from keelway.model.tests import CaseResult, CaseStatus  # noqa: PLC0415 - likewise
    from keelway.stack.board import last_lines, ran_s  # noqa: PLC0415 - likewise

    name = "" if beside.tests is None else beside.tests.service.name
    told = stack.told[name]
    services = tuple(replace(one, experiment=spec.name) for one in stack.results(logs))
    output = "\n".join([told.log.rstrip(), *(f"service {one.told}" for one in services)])
    seen = Seen()
    if told.state == "exited" and not told.code and not told.why:
        try:
            seen = parse_record("\n".join(told.results))
        except ValueError as error:
            raise ToolOutputError(str(error), stage=_STAGE, text=output) from error
        cases = judge(spec, seen, last_lines(output))
    elif told.state == "exited" and not told.why:
        raise ToolError(
            f"{spec.name}: the experiment broke with exit code {told.code}",
            stage=_STAGE,
            command=(BUSYBOX_PATH, "sh", SCRIPT_PATH),
            code=told.code,
            output=output,
            next_step="look at its output above; it needs BusyBox with wget -S, nc -ll -e and awk",
        )
    else:
        why = told.why or f"it was still {told.state}"
        begun = told.state == "exited"
        case = CaseResult(
            name="steady-state",
            classname=spec.name,
            status=CaseStatus.ERROR,
            message=f"the experiment was {why}" if begun else f"the services did not start: {why}",
            output=output,
        )
        cases = (case,)
    return Experiment(
        result=result(spec, seen, log=logs.get(name)),
        platform=beside.platform,
        images=spec.images,
        cases=cases,
        services=services,
        seconds=ran_s(told),
    )
