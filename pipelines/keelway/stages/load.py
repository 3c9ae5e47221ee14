"""Put the built images under load with k6, and hold the figures against thresholds.

The target is a service of the compose file, started with all that it depends on, or else the built
image that the target's host names, alone. Another team's services are bound by `join`.

What crosses a threshold is a result, not a failure: `keelway.stages.gate` judges it.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._cage import open_cage, plan_tool
from keelway._kept import keep
from keelway._load_run import (
    image_alone,
    load_inputs,
    log_file,
    under_load,
    under_load_beside,
)
from keelway._registries import plan_registries
from keelway._reuse import Memory, open_memory
from keelway._stage import Run, stage
from keelway._tools.busybox import BUSYBOX
from keelway._tools.k6 import K6
from keelway.errors import PlanError
from keelway.loadtest.compared import RegressionSpec
from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
from keelway.loadtest.spec import LoadSpec
from keelway.model.outcome import Skipped
from keelway.model.reuse import ReuseSpec
from keelway.model.tool import HostTool
from keelway.stack.planned import plan_beside

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagger

    from keelway._cage import Cage
    from keelway.config import Config
    from keelway.config.load import LoadConfig, ProbeConfig
    from keelway.facts import Facts
    from keelway.loadtest.compared import Released
    from keelway.model.image import Images
    from keelway.model.load import LoadReport
    from keelway.stack.spec import StackSpec

    Join = Callable[[dagger.Container], dagger.Container]

TOOLS = (K6, BUSYBOX)

SUMMARY_FILE = "load/summary.json"
LOG_FILE = "load/k6.log"


def plan_load(config: Config, facts: Facts) -> LoadSpec | Skipped:
    """Return what is asked of the services, or why nothing is.

    Raises:
        PlanError: The script or k6 is missing.
    """
    load = config.load
    if not load.enabled:
        return Skipped("load.enabled is false")
    test = _plan_test(load, facts)
    if test is None or load.target is None:
        return Skipped("no load test is configured: load.script and load.probe are absent")
    spec = LoadSpec(
        test=test,
        target=load.target,
        environment=load.environment,
        thresholds=load.thresholds,
        vus=load.vus,
        duration_s=load.duration_s,
        iterations=load.iterations,
        timeout_s=load.timeout_s,
        regression=RegressionSpec(
            latency_percent=_percent(load.regression.latency),
            throughput_percent=_percent(load.regression.throughput),
            error_rate=load.regression.error_rate,
            slack_ms=load.regression.slack_ms,
        ),
        tool=plan_tool(K6, config.tools.k6, facts),
        reuse=ReuseSpec(days=load.reuse_days),
        directory=str(facts.resolve(config.report.directory)),
    )
    return dataclasses.replace(spec, beside=_plan_beside(spec.host, config, facts))


def _plan_beside(host: str, config: Config, facts: Facts) -> StackSpec | None:
    """Return the services that are started, where the compose file has one of the target's name."""
    project = facts.compose
    if config.load.alone or project is None or host not in project.services:
        return None
    beside = plan_beside(host, project, config, plan_registries(config, facts))
    return dataclasses.replace(beside, busybox=plan_tool(BUSYBOX, config.tools.busybox, facts))


def _plan_test(load: LoadConfig, facts: Facts) -> ScriptSpec | ProbeSpec | None:
    if load.probe is not None:
        return _plan_probe(load.probe)
    if load.script is None:
        return None
    if facts.kind_of(load.script) not in {None, "file"}:
        raise PlanError(
            f"load.script: there is no file {load.script}",
            next_step=f"write it (the path is relative to {facts.root}), or set load.probe instead",
        )
    return ScriptSpec(path=str(facts.resolve(load.script)), shown=load.script, files=load.files)


def _plan_probe(probe: ProbeConfig) -> ProbeSpec:
    return ProbeSpec(
        paths=probe.paths,
        requests=probe.requests,
        concurrency=probe.concurrency,
        statuses=probe.statuses,
        request_timeout_s=probe.request_timeout_s,
    )


def _percent(text: str | None) -> float | None:
    return None if text is None else float(text.removesuffix("%"))


@stage("load")
async def load(run: Run, spec: LoadSpec, images: Images, join: Join | None = None) -> LoadReport:
    """Return how the services answered under load.

    Args:
        run: The run.
        spec: What is asked.
        images: What was built.
        join: Binds the services to a container, in place of those that the spec names.

    Raises:
        ConfigError: A service cannot be run as it is written.
        PlanError: k6 is missing, or there is no such image.
        ToolError: The script is wrong, stopped the test, made no request, or took too long.
        ToolOutputError: k6's figures cannot be read.
        StageError: A service did not start, or ended under load.
    """
    from keelway.model.load import measure_text  # noqa: PLC0415 - not for a plan

    released = await _released(spec)
    cage = await open_cage(run, stage="load", tool=K6, source=spec.tool)
    memory = None if join is not None else _memory(run, spec)
    if memory is None:
        report = _compared(spec, await _measured(run, spec, images, cage, join), released)
    else:
        report = await _known(run, spec, images, cage, memory, released)
    run.say("load", f"{spec.shown}: {measure_text(report.measure)}{report.reused_text}")
    for threshold in report.crossed():
        run.say("load", f"crossed: {threshold.text}")
    for one in report.regressed():
        run.say("load", f"worse than the last release: {one.text}")
    return report


async def _known(
    run: Run,
    spec: LoadSpec,
    images: Images,
    cage: Cage,
    memory: Memory,
    released: Released | None,
) -> LoadReport:
    """Return the figures of an earlier run where nothing changed since; else those of this one."""
    from keelway.model.load import LoadReport  # noqa: PLC0415 - not for a plan

    inputs = await load_inputs(run, spec, images, cage)
    place = await memory.look({**inputs, "machine": await memory.machine()}, LoadReport)
    if place.kept is not None:
        reused = _compared(spec, dataclasses.replace(place.kept, reused=True), released)
        if reused.passed:
            return reused
    report = _compared(spec, await _measured(run, spec, images, cage, None), released)
    services = () if spec.beside is None else tuple(spec.beside.chosen())
    files = (report.summary, report.log, *map(log_file, services))
    at = report.ran_at or run.clock.now()
    await memory.keep(place, report, at=at, passed=report.passed, files=files)
    return report


def _compared(spec: LoadSpec, report: LoadReport, released: Released | None) -> LoadReport:
    """Return the figures beside those of the last release, where there are any."""
    from keelway.loadtest.compared import compare  # noqa: PLC0415 - not for a plan

    if released is None:
        return report
    compared = compare(spec.regression, report.measure, released.measure)
    return dataclasses.replace(report, regressions=compared, released=released.measure)


async def _measured(
    run: Run, spec: LoadSpec, images: Images, cage: Cage, join: Join | None
) -> LoadReport:
    from keelway.model.load import LoadReport  # noqa: PLC0415 - not for a plan

    at, began = run.clock.now(), time.monotonic()
    if join is None and spec.beside is not None:
        done = await under_load_beside(run, spec, spec.beside, images, cage)
    else:
        joined = join or await image_alone(run, spec, images)
        done = await under_load(run, spec, cage, joined)
    seconds = time.monotonic() - began
    return LoadReport(
        script=spec.shown,
        target=spec.target,
        measure=done.measure,
        thresholds=done.thresholds,
        tool=cage.version,
        summary=await keep(spec.directory, SUMMARY_FILE, done.summary),
        log=await keep(spec.directory, LOG_FILE, done.log),
        seconds=round(seconds, 3),
        marked=done.marked,
        notes=done.notes,
        ran_at=at,
    )


def _memory(run: Run, spec: LoadSpec) -> Memory | None:
    beside = spec.beside
    busybox = HostTool(path=BUSYBOX.name) if beside is None else beside.busybox
    return open_memory(run, spec.reuse, busybox, stage="load", directory=spec.directory)


async def _released(spec: LoadSpec) -> Released | None:
    """Return what the last release here measured, and keep it: the report is written anew.

    Figures of another test are no measure for this one.
    """
    from keelway.loadtest.compared import (  # noqa: PLC0415 - not for a plan
        RELEASED_FILE,
        kept_figures,
        parse_released,
    )

    last = kept_figures(await _text(Path(spec.directory, "report.json")))
    if last is not None:
        await keep(spec.directory, RELEASED_FILE, last)
    found = parse_released(await _text(Path(spec.directory, RELEASED_FILE)))
    same = found is not None and (found.script, found.target) == (spec.shown, spec.target)
    return found if same else None


async def _text(path: Path) -> str:
    try:
        return await anyio.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
