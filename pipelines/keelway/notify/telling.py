"""One channel told of one entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import anyio

from keelway._secrets import read_own_secret
from keelway._stage import Run
from keelway.errors import KeelwayError, redact
from keelway.model.history import DeliveryOutcome
from keelway.model.told import Delivery
from keelway.notify.discord import discord_request
from keelway.notify.github import (
    UNFINISHED,
    deployment_request,
    deployment_status_request,
    deployments_request,
    github_headers,
    last_status_request,
    parse_deployments,
    parse_id,
    parse_state,
    status_request,
)
from keelway.notify.mail import MailError, mail, send_mail
from keelway.notify.sending import Sender, SendError, Tries
from keelway.notify.slack import slack_request
from keelway.notify.spec import Channel, Chat, GitHub, Mail, Webhook
from keelway.notify.teams import teams_request
from keelway.notify.webhook import webhook_request
from keelway.notify.wording import word

if TYPE_CHECKING:
    from datetime import datetime

    from keelway._stage import Clock
    from keelway.model.events import Observer
    from keelway.model.history import HistoryEntry
    from keelway.notify.wording import Message

_CHATS = {"slack": slack_request, "teams": teams_request, "discord": discord_request}


class Speaker(Protocol):
    """Who has the word: a `Run`, or whoever has an observer and a clock and needs no engine."""

    @property
    def observer(self) -> Observer:
        """Return who hears what happens."""
        ...

    @property
    def clock(self) -> Clock:
        """Return what tells the time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One channel that is told of one entry."""

    channel: Channel
    entry: HistoryEntry
    now: datetime
    run: Run | None
    tries: Tries

    async def secret(self, source: str, *, what: str) -> str:
        return (await read_own_secret(source, what=what, run=self.run)).strip()


async def tell_channel(channel: Channel, *, run: Speaker, entry: HistoryEntry) -> Delivery:
    """Return what became of telling a channel: whatever goes wrong is told, and never raised.

    Args:
        channel: Who is told.
        run: Who has the word.
        entry: What happened.
    """
    tries = Tries(allowed=channel.attempts)
    call = _Call(
        channel=channel,
        entry=entry,
        now=run.clock.now(),
        run=run if isinstance(run, Run) else None,
        tries=tries,
    )
    error: str | None = channel.lacks
    if error is None:
        error = f"it took longer than {channel.timeout_s:g} s"
        with anyio.move_on_after(channel.timeout_s):
            error = await _told(call)
    return Delivery(channel=channel.name, sent=error is None, attempts=tries.made, error=error)


async def _told(call: _Call) -> str | None:
    """Return why it was not told; nothing when it was."""
    try:
        await _send(call)
    except (SendError, MailError) as error:
        return redact(str(error))
    except KeelwayError as error:
        return redact(error.message)
    except Exception as error:  # noqa: BLE001 - a release never fails because of a message
        return f"it went wrong inside of keelway: {type(error).__name__}"
    return None


async def _send(call: _Call) -> None:
    channel = call.channel
    message = word(call.entry, channel.template)
    match channel.where:
        case Chat() as where:
            address = await call.secret(where.url, what=f"the address of {channel.name}")
            await Sender(address, call.tries, now=call.now).send(_CHATS[where.kind](message))
        case Webhook() as where:
            await _send_webhook(call, where)
        case Mail() as where:
            await _send_mail(call, where, message)
        case GitHub() as where:
            token = await call.secret(where.token, what="the token for GitHub")
            headers = github_headers(token)
            sender = Sender(
                where.api, call.tries, headers=headers, secrets=(token,), now=call.now, told=True
            )
            if where.kind == "github-status":
                await sender.send(status_request(where, call.entry, message))
            else:
                await _send_deployment(where, sender, call.entry, message)


async def _send_webhook(call: _Call, where: Webhook) -> None:
    name = call.channel.name
    address = await call.secret(where.url, what=f"the address of {name}")
    secret: str | None = None
    if where.secret is not None:
        secret = await call.secret(where.secret, what=f"what {name} is signed with")
    try:
        request = webhook_request(
            call.entry, identity=f"msg_{uuid4().hex}", at=call.now, secret=secret
        )
    except ValueError as error:
        raise SendError(str(error)) from None
    secrets = () if secret is None else (secret,)
    await Sender(address, call.tries, secrets=secrets, now=call.now).send(request)


async def _send_mail(call: _Call, where: Mail, message: Message) -> None:
    password: str | None = None
    if where.password is not None:
        password = await call.secret(where.password, what="the mail's password")
    letter = mail(where, message, at=call.now)
    work = partial(send_mail, where, letter, password, call.channel.timeout_s)
    attempt = 0
    while True:
        attempt += 1
        call.tries.made += 1
        try:
            await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
        except MailError as error:
            text = redact(f"{where.host}: {error}", () if password is None else (password,))
            await call.tries.pause(SendError(text, again=error.again), attempt)
        else:
            return


async def _send_deployment(
    where: GitHub, sender: Sender, entry: HistoryEntry, message: Message
) -> None:
    """Give a deployment its next status; it is made where there is none to continue."""
    try:
        found = None
        if entry.outcome is not DeliveryOutcome.STARTED:
            found = await _unfinished(where, sender, entry)
        if found is None:
            found = parse_id(await sender.send(deployment_request(where, entry, message)))
    except (ValueError, KeyError, TypeError) as error:
        raise SendError(f"GitHub's answer cannot be read: {error}") from None
    await sender.send(deployment_status_request(where, found, entry, message))


async def _unfinished(where: GitHub, sender: Sender, entry: HistoryEntry) -> int | None:
    """Return the newest deployment of this version, if it has still to get its last status."""
    known = parse_deployments(await sender.send(deployments_request(where, entry)), entry.version)
    if not known:
        return None
    state = parse_state(await sender.send(last_status_request(where, known[0])))
    return known[0] if state is None or state in UNFINISHED else None
