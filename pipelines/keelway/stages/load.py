"""Put the built images under load with k6, and hold the figures against thresholds.

The services are whatever `join` binds to k6's container: the services of a compose file, or by
default the built image that the target's host names, alone.

What crosses a threshold is a result, not a failure: `keelway.stages.gate` judges it.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from keelway._cage import open_cage, plan_tool
from keelway._kept import keep
from keelway._load_run import put_under_load
from keelway._stage import Run, failures_of, stage
from keelway._tools.k6 import K6
from keelway.errors import PlanError
from keelway.loadtest.compared import RegressionSpec
from keelway.loadtest.scripts import ProbeSpec, ScriptSpec
from keelway.loadtest.spec import LoadSpec
from keelway.model.outcome import Skipped
from keelway.model.platform import parse_platform

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagger

    from keelway.config import Config
    from keelway.config.load import LoadConfig, ProbeConfig
    from keelway.facts import Facts
    from keelway.loadtest.compared import Released
    from keelway.model.image import Images
    from keelway.model.load import LoadReport

    Join = Callable[[dagger.Container], dagger.Container]

TOOLS = (K6,)

SUMMARY_FILE = "load/summary.json"
LOG_FILE = "load/k6.log"

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


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
    return LoadSpec(
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
        directory=str(facts.resolve(config.report.directory)),
    )


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
        join: Binds the services to a container; without it, the image that the target's host names
            is started alone and bound under that name.

    Raises:
        PlanError: k6 is missing, or there is no such image.
        ToolError: The script is wrong, stopped the test, made no request, or took too long.
        ToolOutputError: k6's figures cannot be read.
        StageError: A service did not start, or ended under load.
    """
    from keelway.loadtest.compared import compare  # noqa: PLC0415 - not for a plan
    from keelway.model.load import LoadReport, measure_text  # noqa: PLC0415 - likewise

    released = await _released(spec)
    bind = join or await _alone(run, spec, images)
    cage = await open_cage(run, stage="load", tool=K6, source=spec.tool)
    began = time.monotonic()
    done = await put_under_load(
        run, spec, dataclasses.replace(cage, container=bind(cage.container))
    )
    seconds = time.monotonic() - began
    before = None if released is None else released.measure
    report = LoadReport(
        script=spec.shown,
        target=spec.target,
        measure=done.measure,
        thresholds=done.thresholds,
        tool=cage.version,
        summary=await keep(spec.directory, SUMMARY_FILE, done.summary),
        log=await keep(spec.directory, LOG_FILE, done.log),
        seconds=round(seconds, 3),
        regressions=() if before is None else compare(spec.regression, done.measure, before),
        released=before,
        marked=done.marked,
        notes=done.notes,
    )
    run.say("load", f"{spec.shown}: {measure_text(report.measure)}")
    for threshold in report.crossed():
        run.say("load", f"crossed: {threshold.text}")
    for one in report.regressed():
        run.say("load", f"worse than the last release: {one.text}")
    return report


async def _alone(run: Run, spec: LoadSpec, images: Images) -> Join:
    """Return what binds the image that the target names, started by itself.

    Raises:
        PlanError: There is no such image for the engine's platform.
    """
    with failures_of("load", "asking the engine for its platform"):
        here = parse_platform(str(await run.dag.default_platform()))
    image = next((one for one in images.of(spec.host) if one.platform == here), None)
    if image is None:
        raise PlanError(
            f"load.target: there is no image {spec.host!r} for {here}",
            next_step=f"name one of {', '.join(images.names())} as the host of load.target",
        )
    url = urlsplit(spec.target)
    port = url.port or _DEFAULT_PORTS.get(url.scheme, 80)
    # Its own health check asks at long intervals; a port that answers is found at once.
    container = image.container.without_docker_healthcheck().with_exposed_port(port)
    service = container.as_service(use_entrypoint=True)
    return lambda client: client.with_service_binding(spec.host, service)


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
