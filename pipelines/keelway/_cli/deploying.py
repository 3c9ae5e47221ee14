"""Targets deployed to, taken back and unlocked in front of the user."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from keelway._cli import output
from keelway._cli.env import environment, terminal_form
from keelway._cli.stopping import run_until_stopped
from keelway._stage import Run
from keelway._targets import DeployOrder, DeploySpec, HostsTarget, reader, task_of
from keelway.config import load_config
from keelway.deploy.running import unlock
from keelway.errors import PlanError
from keelway.facts import gather_facts
from keelway.model.events import Silent
from keelway.model.history import DeliveryEvent
from keelway.model.outcome import Skipped
from keelway.model.rollout import Wanted
from keelway.report.terminal import open_terminal
from keelway.session import EngineChoice, open_session
from keelway.stages.deploy import deploy_wanted, plan_deploy
from keelway.stages.rollback import roll_back
from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    import dagger

    from keelway.config import Config
    from keelway.model.events import Observer
    from keelway.model.progress_form import ProgressForm
    from keelway.model.rollout import Rollout, TargetRollout

ROLLOUT_SCHEMA = "keelway.rollout/1"
_OWN_SOURCES = ("env://", "file://", "cmd://")
_SHORT_DIGEST = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says of it."""

    targets: tuple[str, ...]
    freeze: str | None = None
    reason: str | None = None
    force: bool = False
    run_analysis: bool = True
    lock_wait_s: float = 0


def show_deployment(
    release: Sequence[str],
    asked: Asked,
    config: Path | None,
    progress: ProgressForm,
    *,
    as_json: bool,
) -> None:
    """Deploy a release, and print what runs now.

    Raises:
        GateError: It does not verify.
        KeelwayError: It failed, or could not be done.
    """
    written, spec = planned(asked, config, compose=True)
    wanted = wanted_release(release, written)

    async def work(run: Run) -> Rollout:
        return await deploy_wanted(run, spec, wanted)

    _show(_carried_out(spec, work, progress), as_json=as_json)


def show_rollback(
    version: str | None,
    asked: Asked,
    config: Path | None,
    progress: ProgressForm,
    *,
    as_json: bool,
) -> None:
    """Take a target back, and print what runs now.

    Raises:
        KeelwayError: It failed, or could not be done.
    """
    _, spec = planned(asked, config)

    async def work(run: Run) -> Rollout:
        return await roll_back(run, spec, version)

    _show(_carried_out(spec, work, progress), as_json=as_json)


def show_unlocking(asked: Asked, config: Path | None) -> None:
    """Break the locks of a target's hosts, and print whose they were.

    Raises:
        KeelwayError: It could not be done.
    """
    _, spec = planned(asked, config)
    for target in spec.targets:
        if not isinstance(target, HostsTarget):
            raise PlanError(f"{target.target} has no hosts, and so no locks")

        async def work(target: HostsTarget = target) -> tuple[str, ...]:
            async with opened(spec, Silent()) as run:
                task = task_of(run, spec, DeliveryEvent.UNLOCK, "unlocking")
                return await unlock(target.hosts, task=task, read=reader(run), clock=run.clock)

        output.result("\n".join(run_until_stopped(work)) or "nothing is locked")


def planned(
    asked: Asked, config: Path | None, *, compose: bool = False
) -> tuple[Config, DeploySpec]:
    """Return the configuration, and the targets that are meant.

    Args:
        asked: The options.
        config: What `--config` named, if anything.
        compose: Whether the targets' compose files are read: for what is new on the hosts.

    Raises:
        PlanError: There is no such target, or no deployment may be done from here.
    """
    if asked.force and asked.reason is None:
        raise PlanError("--force needs a reason", next_step="give --reason, for the history")
    loaded = load_config(Path.cwd(), config)
    deploying = asked.targets if compose else ()
    facts = gather_facts(loaded, environment(), {"cosign"}, compose=False, deploying=deploying)
    order = DeployOrder(
        freeze=asked.freeze,
        reason=asked.reason,
        force=asked.force,
        run_analysis=asked.run_analysis,
        lock_wait_s=asked.lock_wait_s,
    )
    spec = plan_deploy(loaded.config, facts, only=asked.targets, order=order)
    if isinstance(spec, Skipped):
        raise PlanError(f"nothing is deployed from here: {spec.reason}")
    return loaded.config, spec


def wanted_release(words: Sequence[str], config: Config) -> Wanted:
    """Return the release that the command line names.

    Args:
        words: One version of all images; or images by tag or digest.
        config: Says which images there are, and where they are published.

    Raises:
        PlanError: It names none.
    """
    if len(words) == 1 and not set(words[0]) & set("/:@"):
        if not config.registries:
            raise PlanError(
                "no registry is configured, so a version alone does not say where its images are",
                next_step="name the images themselves: registry/repository:tag",
            )
        prefix = config.registries[0].url.rstrip("/")
        images = {name: f"{prefix}/{name}:{words[0]}" for name in config.images}
        return Wanted(version=words[0], images=images)
    found = {_image_of(word, config): word for word in words}
    tags = [parse_reference(word).tag for word in words]
    digests = [(parse_reference(word).digest or "").removeprefix("sha256:")[:12] for word in words]
    return Wanted(version=tags[0] or digests[0] or "latest", images=found)


def _image_of(word: str, config: Config) -> str:
    try:
        name = parse_reference(word).path.rpartition("/")[2]
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    if name not in config.images:
        known = ", ".join(config.images)
        raise PlanError(f"{word} is none of the project's images", next_step=f"known: {known}")
    return name


@asynccontextmanager
async def opened(spec: DeploySpec, observer: Observer) -> AsyncGenerator[Run]:
    """Give a run; an engine is started only where something asks for one.

    Raises:
        SessionError: None could be started.
    """
    if not _needs_engine(spec):
        yield Run(cast("dagger.Client", None), observer)
        return
    async with open_session(EngineChoice.AUTO, observer) as session:
        yield Run(session.client, observer)


def _needs_engine(spec: DeploySpec) -> bool:
    """Return whether a secret store has to be read, or a target that reads its secrets by one."""
    sources: list[str | None] = []
    for target in spec.targets:
        if not isinstance(target, HostsTarget):
            return True
        ssh = target.hosts.ssh
        sources += [ssh.key, ssh.key_password, *target.compose.secrets.values()]
    return any(one is not None and not one.startswith(_OWN_SOURCES) for one in sources)


def _carried_out(
    spec: DeploySpec, work: Callable[[Run], Awaitable[Rollout]], progress: ProgressForm
) -> Rollout:
    async def whole(observer: Observer) -> Rollout:
        async with opened(spec, observer) as run:
            return await work(run)

    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        return run_until_stopped(partial(whole, observer))


def _show(rollout: Rollout, *, as_json: bool) -> None:
    output.result(
        json.dumps(rollout_data(rollout), indent=2, ensure_ascii=False)
        if as_json
        else "\n".join(line for one in rollout.targets for line in _lines(one))
    )


def rollout_data(rollout: Rollout) -> dict[str, Any]:
    """Return what runs now, for programs."""
    return {
        "schema": ROLLOUT_SCHEMA,
        "targets": [
            {
                "target": one.target,
                "environment": one.environment,
                "kind": one.kind,
                "version": one.version,
                "images": dict(one.images),
                "evidence": list(one.evidence),
                "hosts": [
                    {"host": host.host, "version": host.version, "colour": host.colour}
                    for host in one.hosts
                ],
                "details": list(one.details),
                "duration_s": one.duration_s,
            }
            for one in rollout.targets
        ],
    }


def _lines(one: TargetRollout) -> list[str]:
    """Return what runs on a target now, for people."""
    lines = [
        f"{one.target} ({one.environment}): {one.version or 'nothing'} in {one.duration_s:g} s"
    ]
    for name, reference in one.images.items():
        repository, _, digest = reference.partition("@")
        lines.append(f"  image  {name}  {repository}@{digest[:_SHORT_DIGEST]}")
    for host in one.hosts:
        colour = "" if host.colour is None else f" ({host.colour})"
        lines.append(f"  host   {host.host}  {host.version or 'nothing'}{colour}")
    return [*lines, *(f"  {line}" for line in one.details)]
