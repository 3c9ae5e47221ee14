"""k6, run against services that are bound to its container, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from keelway._cage import WORK
from keelway._kept import keep
from keelway._local_files import local_directory
from keelway._stage import failures_of
from keelway._tools.k6 import ENVIRONMENT, K6, MARKED_AS_FAILED, RESULTS, reason, run_argv
from keelway.errors import PlanError, StageError, ToolError
from keelway.loadtest.scripts import TARGET_VARIABLE, ProbeSpec, ScriptSpec
from keelway.model.platform import parse_platform
from keelway.model.tool import ImageTool

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagger

    from keelway._cage import Cage
    from keelway._stage import Run
    from keelway.loadtest.spec import LoadSpec
    from keelway.model.image import Images
    from keelway.model.load import LoadMeasure, LoadThreshold
    from keelway.stack.spec import StackSpec

    Join = Callable[[dagger.Container], dagger.Container]

_SCRIPTS = "/load"
_ENTRY = "/keelway/entry.js"
_SUMMARY = f"{WORK}/summary.json"
_ANY_CODE = range(256)
_ERROR = "level=error"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderLoad:
    """What came of it."""

    measure: LoadMeasure
    thresholds: tuple[LoadThreshold, ...]
    summary: str
    log: str
    marked: bool
    notes: tuple[str, ...]


async def put_under_load(run: Run, spec: LoadSpec, cage: Cage) -> UnderLoad:
    """Run the test, however it ends, and read its figures.

    Args:
        run: The run.
        spec: What is asked.
        cage: k6, with the services bound to it.

    Raises:
        ToolError: The script is wrong, stopped the test, made no request, or took too long.
        ToolOutputError: k6's figures cannot be read.
        StageError: A service did not start, or ended under load.
    """
    from keelway._tools.k6_summary import parse_summary  # noqa: PLC0415 - not for a plan

    doing = f"putting {spec.target} under load by {spec.shown}"
    script = run.dag.directory().with_new_file("entry.js", _script(spec)).file("entry.js")
    arguments = run_argv(
        _ENTRY, _SUMMARY, vus=spec.vus, duration_s=spec.duration_s, iterations=spec.iterations
    )
    try:
        with anyio.fail_after(spec.timeout_s):
            done = await cage.run(
                arguments,
                doing=doing,
                files={_ENTRY: script},
                directories=_folder(run, spec.test),
                environment=_environment(run, spec),
                accepted=_ANY_CODE,
            )
            with failures_of("load", doing):
                code = await done.exit_code()
                log = f"{await done.stdout()}\n{await done.stderr()}"
    except TimeoutError as error:
        raise ToolError(
            f"{doing} failed: it did not end in {spec.timeout_s} s",
            stage="load",
            command=(K6.name, *arguments),
            next_step="make the test shorter, or raise load.timeout_s: it counts from the start "
            "of the services",
        ) from error
    if code not in RESULTS:
        raise _broken(spec, doing, arguments, code, log)
    with failures_of("load", doing):
        text = await done.file(_SUMMARY).contents()
    summary = parse_summary(text)
    if summary.measure is None:
        raise _broken(spec, doing, arguments, code, log)
    return UnderLoad(
        measure=summary.measure,
        thresholds=summary.thresholds,
        summary=text,
        log=log,
        marked=code == MARKED_AS_FAILED,
        notes=_notes(log),
    )


async def under_load(run: Run, spec: LoadSpec, cage: Cage, join: Join) -> UnderLoad:
    """Run the test against services that are bound to its container by `join`.

    Raises:
        ToolError: As `put_under_load`.
        StageError: A service did not start, or ended under load.
    """
    return await put_under_load(run, spec, replace(cage, container=join(cage.container)))


async def under_load_beside(
    run: Run, spec: LoadSpec, services: StackSpec, images: Images, cage: Cage
) -> UnderLoad:
    """Run the test against services of the compose file, once all of them are ready.

    What they wrote is kept, whatever happened.

    Raises:
        StageError: One of them did not get ready.
    """
    from keelway.stack.running import Stack  # noqa: PLC0415 - not for a plan

    stack = Stack(run, services, images, stage="load")
    done: UnderLoad | None = None
    try:
        async with stack:
            if await stack.ready():
                done = await under_load(run, spec, cage, stack.join)
    finally:
        with anyio.CancelScope(shield=True):
            for name, told in stack.told.items():
                _ = await keep(spec.directory, log_file(name), told.log)
    for note in stack.notes:
        run.say("load", note)
    if done is None:
        ailing = [one for one in stack.results({}) if not one.sound]
        for one in ailing:
            run.say("load", f"{one.told}\n{one.tail}".rstrip())
        raise StageError(
            f"putting {spec.target} under load failed: its services did not get ready",
            stage="load",
            why="; ".join(one.told for one in ailing),
            next_step="their logs are in the report directory, as load/SERVICE.log",
        )
    return done


async def image_alone(run: Run, spec: LoadSpec, images: Images) -> Join:
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


def log_file(service: str) -> str:
    """Return where the log of a service that was put under load is kept."""
    return f"load/{service}.log"


async def load_inputs(run: Run, spec: LoadSpec, images: Images, cage: Cage) -> dict[str, object]:
    """Return what decides the figures beside the machine, as JSON has it.

    Args:
        run: The run.
        spec: What is asked.
        images: What was built.
        cage: k6.

    Raises:
        PlanError: An image is not built, or a secret of one cannot be read.
        StageError: A file or an image cannot be had.
    """
    from keelway.stack.inputs import image_identity, stack_inputs  # noqa: PLC0415 - as above

    beside = spec.beside
    if beside is not None:
        services: object = await stack_inputs(run, beside, images, stage="load")
    else:
        alone = [one.container for one in images.of(spec.host)]
        services = [await image_identity(run, one, stage="load") for one in alone]
    with failures_of("load", "reading the script"):
        folders = _folder(run, spec.test)
        scripts = [await folder.digest() for folder in folders.values()]
    tool = spec.tool
    return {
        "script": [_script(spec), *scripts],
        "target": spec.target,
        "environment": dict(spec.environment),
        "asked": [spec.vus, spec.duration_s, spec.iterations, spec.timeout_s],
        "services": services,
        "k6": [cage.version.version, tool.reference if isinstance(tool, ImageTool) else ""],
    }


def _environment(run: Run, spec: LoadSpec) -> dict[str, str]:
    return {
        **spec.environment,
        TARGET_VARIABLE: spec.target,
        **ENVIRONMENT,
        # What was measured once is no measure of this run.
        "KEELWAY_LOAD_AT": run.clock.now().isoformat(),
    }


def _script(spec: LoadSpec) -> str:
    """Return the module that k6 is started with."""
    from keelway.loadtest.scripts import entry_script, probe_script  # noqa: PLC0415 - as above

    if isinstance(spec.test, ProbeSpec):
        return probe_script(spec.test, spec.thresholds)
    return entry_script(f"{_SCRIPTS}/{Path(spec.test.path).name}", spec.thresholds)


def _folder(run: Run, test: ScriptSpec | ProbeSpec) -> dict[str, dagger.Directory]:
    """Return what of the project k6 may read: the script, and the files that are named with it."""
    if isinstance(test, ProbeSpec):
        return {}
    path = Path(test.path)
    folder = local_directory(run, path.parent, include=[path.name, *test.files])
    return {_SCRIPTS: folder}


def _broken(
    spec: LoadSpec, doing: str, arguments: tuple[str, ...], code: int, log: str
) -> ToolError:
    why = reason(code) if code not in RESULTS else "it made no request"
    next_step = "correct what its output names"
    if isinstance(spec.test, ScriptSpec) and "couldn't be found on local disk" in log:
        next_step = "name the files that the script imports or opens under load.files"
    return ToolError(
        f"{doing} failed: {why}",
        stage="load",
        command=(K6.name, *arguments),
        code=code,
        output=log,
        next_step=next_step,
    )


def _notes(log: str) -> tuple[str, ...]:
    """Return what k6 complained of while it went on: exceptions of single turns, for one."""
    lines = [line for line in log.splitlines() if _ERROR in line]
    # It names the crossed thresholds on this level too, which are told anyway.
    lines = [line for line in lines if "have been crossed" not in line]
    if not lines:
        return ()
    first = lines[0].partition("msg=")[2][:300]
    return (f"k6 logged {len(lines)} errors, the first: {first}",)
