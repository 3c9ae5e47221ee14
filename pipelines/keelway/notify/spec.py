"""Who is told what, and how: decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from keelway.model.history import HistoryEntry
    from keelway.model.occasion import Occasion

ChatKind = Literal["slack", "teams", "discord"]
GitHubKind = Literal["github-deployment", "github-status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A webhook of a chat service."""

    kind: ChatKind
    url: str
    """Where its address is read: it is a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Any address that takes an entry as JSON."""

    url: str
    """Where its address is read."""
    secret: str | None = None
    """Where the key of the signature is read; unsigned without one."""
    kind: Literal["webhook"] = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail server, and who writes to whom."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    sender: str
    to: tuple[str, ...]
    username: str | None = None
    password: str | None = None
    """Where the password is read."""
    kind: Literal["email"] = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A commit in a repository of GitHub."""

    kind: GitHubKind
    token: str
    """Where the token is read."""
    api: str
    """Address of the REST API, without a slash at the end."""
    repository: str
    """`owner/name`."""
    sha: str
    """The commit, in full."""
    label: str = "keelway"
    """What a commit status is called."""
    environment_url: str | None = None
    """Where people reach what is deployed."""


Where = Chat | Webhook | Mail | GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to tell people or programs."""

    name: str
    where: Where
    """What is told: where that is, and how."""
    on: tuple[Occasion, ...]
    environments: tuple[str, ...] = ()
    """Only for these; for all when empty."""
    template: str | None = None
    """The text, instead of keelway's own."""
    attempts: int = 4
    timeout_s: float = 30.0
    """For all attempts together."""
    lacks: str | None = None
    """Why it cannot be used here: said when something is to be told, for no release fails of it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return where its secrets are read."""
        where = self.where
        found: tuple[str | None, ...]
        if isinstance(where, Chat):
            found = (where.url,)
        elif isinstance(where, Webhook):
            found = (where.url, where.secret)
        else:
            found = (where.password if isinstance(where, Mail) else where.token,)
        return tuple(source for source in found if source)

    def wants(self, entry: HistoryEntry) -> bool:
        """Return whether it is to hear of an entry."""
        if self.environments and entry.environment not in self.environments:
            return False
        return any(one.matches(entry.event, entry.outcome) for one in self.on)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySpec:
    """Everyone who is told."""

    channels: tuple[Channel, ...] = ()
