"""One experiment, decided.

Example:
    >>> from pathlib import Path
    >>> from keelway.compose.project import Dependency, Place, Project, Service
    >>> from keelway.stack.spec import StackSpec
    >>> place = Place(file=Path("compose.yaml"), line=1)
    >>> needs = {"db": Dependency(service="db")}
    >>> services = {"db": Service(name="db", place=place)}
    >>> services["web"] = Service(name="web", place=place, depends_on=needs)
    >>> project = Project(name="shop", folder=Path("/shop"), files=(), services=services)
    >>> spec = FaultSpec(
    ...     name="db-killed", service="db", fault="kill", probe="http://web:8080/health?ready",
    ...     expect="degrades", unaffected=("/health",),
    ...     beside=StackSpec(project=project, services=("web",)),
    ... )
    >>> spec.urls
    ('http://web:8080/health?ready', 'http://web:8080/health')
    >>> spec.done
    'db killed for 3 s'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from keelway.config.fault_checks import DEGRADED_STATUS, DURATION_S, NETWORK_FAULTS

if TYPE_CHECKING:
    from keelway.config.faults import Expectation, Fault
    from keelway.stack.spec import StackSpec

_DONE = {
    "kill": "killed",
    "stop": "stopped",
    "restart": "restarted",
    "pause": "paused",
    "partition": "cut off",
    "latency": "delayed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What is done to a service, what is asked meanwhile, and what is expected of the answers."""

    name: str
    """What reports call it."""
    service: str
    """The service that is hurt."""
    fault: Fault
    """What is done to the service."""
    probe: str
    """The URL that is asked all the time."""
    expect: Expectation
    """How the probed service must bear it."""
    duration_s: float = DURATION_S
    """Seconds that the fault lasts."""
    latency_s: float = 0.0
    """Seconds that answers are delayed, for that fault."""
    status: int = 200
    """What the probe answers while all is well."""
    degraded_status: int = DEGRADED_STATUS
    """What it may answer while it does without the service."""
    unaffected: tuple[str, ...] = ()
    """Further paths, which answer all the time."""
    probe_timeout_s: int = 5
    """Seconds that one answer may take."""
    recovers_within_s: float = 30.0
    """Seconds after the fault in which all must be well again."""
    steady_within_s: float = 15.0
    """How long it may take until all is well, once the services are ready."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Return all that is asked, the probe first."""
        return (self.probe, *(urljoin(self.probe, path) for path in self.unaffected))

    @property
    def done(self) -> str:
        """Return what is done, in words: `db delayed by 0.3 s for 3 s`."""
        late = f" by {self.latency_s:g} s" if self.fault == "latency" else ""
        lasting = "" if self.fault == "restart" else f" for {self.duration_s:g} s"
        return f"{self.service} {_DONE[self.fault]}{late}{lasting}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec(Disturbance):
    """One experiment beside services that are started for it."""

    beside: StackSpec
    """The services that are started for it: the probed one, and all that it depends on."""
    ports: tuple[int, ...] = ()
    """TCP ports that are cut off or delayed, for these faults."""
    notes: tuple[str, ...] = ()
    """What of the services is not done here."""
    reuse: bool = True
    """Whether what came of it before may count again."""

    @property
    def cuts(self) -> bool:
        """Whether the fault is one of the network."""
        return self.fault in NETWORK_FAULTS

    @property
    def images(self) -> tuple[str, ...]:
        """Return the images of this build that take part."""
        built = self.beside.built
        return tuple(dict.fromkeys(built[name] for name in self.beside.chosen() if name in built))

    @property
    def limit_s(self) -> float:
        """Return how long the experiment may take, once its services are ready."""
        answers = 3 * self.probe_timeout_s * len(self.urls)
        grace = self.beside.project.services[self.service].stop_grace_period_s
        return (
            self.steady_within_s + grace + self.duration_s + self.recovers_within_s + answers + 60
        )
