"""A deploy target of hosts, fully decided, and what is to be done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from keelway.deploy.site import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.deploy.host import Host
    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.site import Placed, Runtime, Site, Strategy
    from keelway.model.history import Actor, DeliveryEvent
    from keelway.model.host_address import HostAddress
    from keelway.model.rollout import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlace:
    """A host and the target's folder on it."""

    address: HostAddress
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSpec:
    """How hosts are logged in to."""

    known_hosts: str
    """Absolute."""
    key: str | None = None
    """Where the private key is read: a secret's source."""
    key_password: str | None = None
    """Where its password is read."""
    connect_timeout_s: float = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsSpec:
    """A target of hosts."""

    name: str
    """Under `[deploy]`."""
    project: str
    """The project's name, for the history."""
    environment: str
    places: tuple[HostPlace, ...]
    """In the order in which they get the new version."""
    ssh: SshSpec
    runtime: str = "auto"
    pace: Pace = field(default_factory=Pace)
    keep_releases: int = 5
    side_by_side: int = 4
    min_free_bytes: int = 0
    lock_expires_s: float = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done, by whom, and who hears of it."""

    event: DeliveryEvent
    actor: Actor
    doing: str
    """In words, for the lock: `deploying v1.2.0`."""
    run: str
    """The same in all that this run writes down."""
    tell: Callable[[str], None]
    """Takes one line about the progress."""
    run_analysis: bool = True
    """Whether the new version is analysed under its traffic before the old one goes."""
    reason: str | None = None
    """Why it is done by hand."""
    force: bool = False
    """Whether to go back behind a release that is frozen; needs a reason."""
    freeze: str | None = None
    """Why nobody may go back behind the new release unasked; nothing when all may."""
    lock_wait_s: float = 0


class Kit(Protocol):
    """What a rollout asks of the parts below it: the runtime, and the files of a release."""

    async def find_runtime(self, host: Host) -> Runtime:
        """Return what runs containers on a host; raise when it has none."""
        ...

    def strategy(self, name: str, host: Host, task: Task) -> Strategy:
        """Return a strategy by the name that the configuration has for it."""
        ...

    @property
    def strategy_name(self) -> str:
        """Return the strategy that new releases are brought by."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts that a new release has: `""`, or `shared` and the colours."""
        ...

    async def put(self, site: Site, release: Release) -> None:
        """Write all files of a release, but its record, into its folder, and bring its images."""
        ...

    async def is_put(self, side: Side, current: Placed) -> bool:
        """Return whether all files of what runs are what would be put there now.

        And whether the containers are those that they name, each as often as they say.
        """
        ...

    async def fetch(self, site: Site) -> None:
        """Bring the images of a kept release to its host, where they are gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A release that may be deployed, and what was found when it was looked at."""

    wanted: Wanted
    evidence: tuple[str, ...] = ()
    """What was verified, a line each."""

    @property
    def images(self) -> Mapping[str, str]:
        """Return its images, by digest."""
        return self.wanted.images
