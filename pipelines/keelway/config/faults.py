"""[[integration.faults]]: experiments that hurt a service, and what another one must do then.

The words are those of chaos engineering: a steady state, a fault, and what is expected meanwhile.
"""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from keelway.config.section import PROBE_PATTERN, Name, Section, Text

Fault = Literal["kill", "stop", "restart", "pause", "partition", "latency"]
Expectation = Literal["stays-up", "degrades", "recovers"]
ProbeText = Annotated[str, StringConstraints(pattern=PROBE_PATTERN)]
PathText = Annotated[str, StringConstraints(pattern=r"^/\S*$")]
Status = Annotated[int, Field(ge=100, le=599)]
Port = Annotated[int, Field(ge=1, le=65535)]


class FaultConfig(Section):
    """One experiment. It has services of its own: the probed one, and all that this depends on."""

    name: Name
    """What reports and exceptions call it."""
    service: Text
    """The service that the fault is done to: one that the probed service depends on.

    The probed service itself can be killed, stopped, restarted and paused too.
    """
    fault: Fault
    """What is done to it.

    `kill`: all its processes get SIGKILL. `stop`: it gets its stop signal, and its grace period.
    Both start it again when the fault is over. `restart`: it is stopped and started at once.
    `pause`: its processes stand still (SIGSTOP). `partition`: its network is cut, so that what is
    sent to it, and what it answers, is not delivered. `latency`: what it answers comes late.
    """
    duration_s: Annotated[float, Field(ge=0.1, le=3600)] | None = None
    """Seconds that the fault lasts: 3 when absent. A restart has none."""
    latency_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    """How late answers come, in milliseconds, for `latency`."""
    ports: tuple[Port, ...] = ()
    """TCP ports that `partition` and `latency` are about. Those that the service declares when
    empty."""
    probe: ProbeText
    """What is asked all the time, as in `"http://orders:8080/health"`. Its host is a service."""
    status: Status = 200
    """The HTTP status that the probe answers when all is well."""
    probe_timeout_s: Annotated[int, Field(ge=1, le=300)] = 5
    """Seconds that one answer may take."""
    expect: Expectation
    """What the probed service must do while the fault lasts.

    `stays-up`: each answer is as when all is well. `degrades`: it comes to answer
    `degraded_status`, and never anything else. `recovers`: anything. After the fault it must
    recover in any case.
    """
    degraded_status: Status | None = None
    """The HTTP status that the probe answers when it is degraded: 503 when absent."""
    unaffected: tuple[PathText, ...] = ()
    """Other paths of the probed service that answer all the time, with a status from 200 to 399."""
    recovers_within_s: Annotated[float, Field(ge=0.1, le=3600)] = 30.0
    """Seconds after the end of the fault until all answers are again as when all is well."""
    reuse: bool = True
    """Whether a result that passed counts again while nothing that decides it changed."""

    @property
    def target(self) -> str:
        """The service that is probed."""
        return urlsplit(self.probe).netloc.partition(":")[0]
