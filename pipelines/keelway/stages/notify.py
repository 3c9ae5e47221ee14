"""Tell people and programs what became of a release, a promotion, a deployment.

A channel that cannot be told is told of, and nothing else: no release fails because of a message.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> from keelway.facts import Facts
    >>> config = Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()})
    >>> plan_notify(config, Facts())
    Skipped(reason='nobody is to be told: there is no [[notify]]')
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from keelway._secrets import plan_secret
from keelway._together import each
from keelway.config.notify import (
    DiscordConfig,
    EmailConfig,
    GitHubDeploymentConfig,
    GitHubStatusConfig,
    SlackConfig,
    TeamsConfig,
    WebhookConfig,
)
from keelway.errors import PlanError
from keelway.facts.remote import github_api, github_repository
from keelway.model.occasion import parse_occasion
from keelway.model.outcome import Skipped, Status
from keelway.model.told import Told
from keelway.notify.spec import Channel, Chat, GitHub, Mail, NotifySpec, Webhook, Where

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.config.notify import NotifyConfig
    from keelway.facts import Facts
    from keelway.model.history import HistoryEntry
    from keelway.model.told import Delivery
    from keelway.notify.telling import Speaker

STAGE = "notify"
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


def plan_notify(config: Config, facts: Facts) -> NotifySpec | Skipped:
    """Return who is told, or why nobody is.

    What is missing for a channel is kept with it, and said when it is to be told.
    """
    if not config.notify:
        return Skipped("nobody is to be told: there is no [[notify]]")
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    return NotifySpec(channels=tuple(_plan(one, facts) for one in config.notify))


async def tell(run: Speaker, spec: NotifySpec | Skipped, entry: HistoryEntry) -> Told:
    """Return what became of telling everyone who is to hear of an entry; nothing is raised.

    Args:
        run: The run, or whoever has its observer and its clock.
        spec: Who is told.
        entry: What happened.
    """
    from keelway.model.events import Note, StageEnded, StageStarted  # noqa: PLC0415 - not for a plan
    from keelway.notify.telling import tell_channel  # noqa: PLC0415 - likewise

    channels = () if isinstance(spec, Skipped) else spec.channels
    wanted = [channel for channel in channels if channel.wants(entry)]
    if not wanted:
        return Told()
    started = time.monotonic()
    run.observer.on(StageStarted(stage=STAGE, at=run.clock.now()))
    work = partial(tell_channel, run=run, entry=entry)
    told = Told(deliveries=await each(work, wanted))
    for one in told.deliveries:
        run.observer.on(Note(stage=STAGE, text=_said(one)))
    run.observer.on(
        StageEnded(
            stage=STAGE,
            at=run.clock.now(),
            seconds=time.monotonic() - started,
            status=Status.OK,
            result=told,
        )
    )
    return told


def _said(delivery: Delivery) -> str:
    if delivery.sent:
        return f"{delivery.channel} was told"
    return f"warning: {delivery.channel} was not told: {delivery.error}"


def _plan(written: NotifyConfig, facts: Facts) -> Channel:
    lacks: str | None = None
    where: Where
    try:
        where = _where(written, facts)
    except PlanError as error:
        lacks, where = error.message, Chat(kind="slack", url="")
    return Channel(
        name=written.name or written.kind,
        where=where,
        on=tuple(parse_occasion(one) for one in written.on),
        environments=written.environments,
        template=getattr(written, "template", None),
        attempts=written.attempts,
        timeout_s=written.timeout_s,
        lacks=lacks,
    )


def _where(written: NotifyConfig, facts: Facts) -> Where:
    match written:
        case SlackConfig() | TeamsConfig() | DiscordConfig():
            what = f"the address of {written.name or written.kind}"
            return Chat(kind=written.kind, url=plan_secret(written.url, facts, what=what))
        case WebhookConfig():
            return _webhook(written, facts)
        case EmailConfig():
            return _mail(written, facts)
        case GitHubDeploymentConfig() | GitHubStatusConfig():
            return _github(written, facts)


def _webhook(written: WebhookConfig, facts: Facts) -> Webhook:
    what = written.name or written.kind
    secret = written.secret
    if secret is not None:
        secret = plan_secret(secret, facts, what=f"what {what} is signed with")
    return Webhook(
        url=plan_secret(written.url, facts, what=f"the address of {what}"), secret=secret
    )


def _mail(written: EmailConfig, facts: Facts) -> Mail:
    password = written.password
    if password is not None:
        password = plan_secret(password, facts, what="the mail's password")
    if password is not None and written.tls == "none" and not _is_here(written.host):
        raise PlanError("a password is not sent without TLS")
    return Mail(
        host=written.host,
        port=written.port or _PORTS[written.tls],
        tls=written.tls,
        sender=written.sender,
        to=written.to,
        username=written.username,
        password=password,
    )


def _is_here(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _github(written: GitHubDeploymentConfig | GitHubStatusConfig, facts: Facts) -> GitHub:
    repository = written.repository or github_repository(facts)
    sha = _revision(facts)
    if repository is None or sha is None:
        lack = "the repository is not known" if repository is None else "there is no git commit"
        raise PlanError(f"GitHub cannot be told: {lack}")
    label, environment_url = "", None
    if isinstance(written, GitHubStatusConfig):
        label = written.label
    else:
        environment_url = written.environment_url
    return GitHub(
        kind=written.kind,
        token=plan_secret(written.token, facts, what="the token for GitHub"),
        api=(written.api or github_api(facts)).rstrip("/"),
        repository=repository,
        sha=sha,
        label=label,
        environment_url=environment_url,
    )


def _revision(facts: Facts) -> str | None:
    """Return the commit that people see: of a pull request not its merge, but its newest one."""
    job = facts.job
    if job is not None and (job.head_sha or job.sha):
        return job.head_sha or job.sha
    return None if facts.commit is None else facts.commit.sha
