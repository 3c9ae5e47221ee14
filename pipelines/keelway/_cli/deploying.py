"""Targets deployed to, taken back and unlocked in front of the user."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import Console

from keelway._cli import output
from keelway._cli.env import environment, terminal_form
from keelway._cli.rollout_view import show_rollout
from keelway._cli.stopping import run_until_stopped
from keelway._secrets import asks_engine
from keelway._stage import Run
from keelway._targets import DeployOrder, DeploySpec, HostsTarget, reader, task_of
from keelway.announcing import Announcements, announce_end, announced, plan_announcements
from keelway.config import load_config
from keelway.config.naming import image_named, images_in, published_name
from keelway.deploy.running import unlock
from keelway.errors import DeployError, InconclusiveError, PlanError, redact
from keelway.facts import gather_facts
from keelway.kubernetes.spec import KubernetesSpec
from keelway.model.events import Silent
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.outcome import Skipped
from keelway.model.rollout import Rollout, Wanted
from keelway.report.terminal import open_terminal
from keelway.session import EngineChoice, open_session
from keelway.stages.deploy import deploy_wanted, plan_deploy
from keelway.stages.rollback import roll_back
from keelway.tags.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence

    import dagger

    from keelway._targets import TargetSpec
    from keelway.config import Config
    from keelway.model.events import Observer
    from keelway.model.progress_form import ProgressForm
    from keelway.model.rollout import TargetRollout


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
    plan = planned(asked, config, compose=True)
    wanted = wanted_release(release, plan.config)

    async def work(run: Run, spec: DeploySpec) -> Rollout:
        return await deploy_wanted(run, spec, wanted)

    about = (DeliveryEvent.DEPLOY, wanted)
    show_rollout(_carried_out(plan, about, work, progress), as_json=as_json)


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
    plan = planned(asked, config)

    async def work(run: Run, spec: DeploySpec) -> Rollout:
        return await roll_back(run, spec, version)

    about = (DeliveryEvent.ROLLBACK, Wanted(version=version or "the release before", images={}))
    show_rollout(_carried_out(plan, about, work, progress), as_json=as_json)


def show_unlocking(asked: Asked, config: Path | None) -> None:
    """Break the locks of a target's hosts, and print whose they were.

    Raises:
        KeelwayError: It could not be done.
    """
    plan = planned(asked, config)
    spec = plan.spec
    for target in spec.targets:
        if not isinstance(target, HostsTarget):
            raise PlanError(f"{target.target} has no hosts, and so no locks")

        async def work(target: HostsTarget = target) -> tuple[str, ...]:
            async with opened(spec, Silent(), plan.announcements.secrets) as run:
                task = task_of(run, spec, DeliveryEvent.UNLOCK, "unlocking")
                done = await unlock(target.hosts, task=task, read=reader(run), clock=run.clock)
                about = (DeliveryEvent.UNLOCK, Wanted(version="-", images={}))
                entry = replace(
                    _started(plan, target, about, run), outcome=DeliveryOutcome.SUCCEEDED
                )
                await announce_end(run, plan.announcements, entry)
                return done

        output.result("\n".join(run_until_stopped(work)) or "nothing is locked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The targets that are meant, and who is told of what is done to them."""

    config: Config
    spec: DeploySpec
    announcements: Announcements

    @property
    def secrets(self) -> tuple[str, ...]:
        """Where secrets are read beside those of the targets: of logins, and of who is told."""
        logins = (one.login for one in self.spec.registries)
        passwords = (login.password for login in logins if login is not None)
        return (*(one for one in passwords if one), *self.announcements.secrets)


def planned(asked: Asked, config: Path | None, *, compose: bool = False) -> Planned:
    """Return the targets that are meant.

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
    announcements = plan_announcements(loaded.config, facts)
    return Planned(config=loaded.config, spec=spec, announcements=announcements)


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
        prefix = config.registries[0].url
        images = {
            name: published_name(config, name).reference(prefix, words[0]) for name in config.images
        }
        return Wanted(version=words[0], images=images)
    found = {_image_of(word, config): word for word in words}
    tags = [parse_reference(word).tag for word in words]
    digests = [(parse_reference(word).digest or "").removeprefix("sha256:")[:12] for word in words]
    return Wanted(version=tags[0] or digests[0] or "latest", images=found)


def _image_of(word: str, config: Config) -> str:
    try:
        parsed = parse_reference(word)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    name = image_named(config, parsed.path, parsed.tag)
    several = images_in(config, parsed.path)
    if name is None and several:
        raise PlanError(
            f"{word} could be any of {', '.join(several)}, which share a repository",
            next_step=f"name it by its tag as well: {parsed.repository}:TAG@DIGEST",
        )
    if name is None:
        known = ", ".join(config.images)
        raise PlanError(f"{word} is none of the project's images", next_step=f"known: {known}")
    return name


@asynccontextmanager
async def opened(
    spec: DeploySpec, observer: Observer, secrets: Sequence[str] = ()
) -> AsyncGenerator[Run]:
    """Give a run; an engine is started only where something asks for one.

    Args:
        spec: Where something is done.
        observer: Who watches.
        secrets: Where secrets are read beside those of the targets.

    Raises:
        SessionError: None could be started.
    """
    if not needs_engine(spec, secrets):
        yield Run(cast("dagger.Client", None), observer)
        return
    async with open_session(EngineChoice.AUTO, observer) as session:
        yield Run(session.client, observer)


def needs_engine(spec: DeploySpec, secrets: Sequence[str] = ()) -> bool:
    """Return whether a secret is in a store, which an engine reads."""
    sources = [source for target in spec.targets for source in _sources(target)]
    return any(one is not None and asks_engine(one) for one in (*sources, *secrets))


def _sources(target: TargetSpec) -> list[str | None]:
    """Return where the secrets of a target are read."""
    if isinstance(target, HostsTarget):
        ssh = target.hosts.ssh
        return [ssh.key, ssh.key_password, *target.compose.secrets.values()]
    if isinstance(target, KubernetesSpec):
        return [target.kubeconfig]
    found = [target.login.token, target.login.ssh_key]
    if target.signing is not None:
        found += [target.signing.key, target.signing.passphrase]
    if target.pull_request is not None:
        found.append(target.pull_request.token)
    return found


def _carried_out(
    plan: Planned,
    about: tuple[DeliveryEvent, Wanted],
    work: Callable[[Run, DeploySpec], Awaitable[Rollout]],
    progress: ProgressForm,
) -> Rollout:
    """Do something to one target after the other, each of them told to whoever is to hear of it."""

    async def whole(observer: Observer) -> Rollout:
        done: list[TargetRollout] = []
        async with opened(plan.spec, observer, plan.secrets) as run:
            for target in plan.spec.targets:
                started = _started(plan, target, about, run)
                one = replace(plan.spec, targets=(target,))
                async with announced(run, plan.announcements, started) as ended:
                    with _outcome(run, started, ended):
                        done += (await work(run, one)).targets
                        ended.append(_succeeded(run, started, done[-1]))
        return Rollout(targets=tuple(done))

    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        return run_until_stopped(partial(whole, observer))


def _started(
    plan: Planned, target: TargetSpec, about: tuple[DeliveryEvent, Wanted], run: Run
) -> HistoryEntry:
    event, wanted = about
    return HistoryEntry(
        at=run.clock.now(),
        event=event,
        outcome=DeliveryOutcome.STARTED,
        project=plan.config.project.name,
        environment=target.environment,
        target=target.target,
        version=wanted.version,
        images=wanted.images,
        actor=plan.spec.actor,
        reason=plan.spec.order.reason,
    )


def _succeeded(run: Run, started: HistoryEntry, done: TargetRollout) -> HistoryEntry:
    return replace(
        started,
        at=run.clock.now(),
        outcome=DeliveryOutcome.SUCCEEDED,
        version=done.version,
        images=done.images,
        evidence=done.evidence,
        hosts=tuple(host.host for host in done.hosts),
        duration_s=done.duration_s,
    )


@contextmanager
def _outcome(run: Run, started: HistoryEntry, ended: list[HistoryEntry]) -> Generator[None]:
    """Say of a failure whether the old version serves again, or a person is to decide."""
    try:
        yield
    except (DeployError, InconclusiveError) as error:
        is_back = isinstance(error, DeployError)
        now = run.clock.now()
        ended.append(
            replace(
                started,
                at=now,
                outcome=DeliveryOutcome.ROLLED_BACK if is_back else DeliveryOutcome.INCONCLUSIVE,
                reason=redact(error.message),
                duration_s=round((now - started.at).total_seconds(), 1),
            )
        )
        raise
