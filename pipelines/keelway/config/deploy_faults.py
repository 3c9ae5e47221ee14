"""[[deploy.NAME.faults]]: experiments that hurt what was deployed, on its hosts.

The words are those of `[[integration.faults]]`, which hurts services of its own before a release.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keelway.config.fault_checks import DEGRADED_STATUS
from keelway.config.faults import Expectation, PathText, ProbeText, Status
from keelway.config.section import Name, Section, Text

DeployedFault = Literal["kill", "stop", "restart", "pause", "partition"]


class DeployFaultConfig(Section):
    """One experiment; `keelway faults` carries them out, one after the other."""

    name: Name
    """What is said of it in messages."""
    service: Text
    """The service whose containers the fault is done to: those that run now."""
    fault: DeployedFault
    """What is done to them.

    `kill`: all their processes get SIGKILL. `stop`: they get their stop signal, and their grace
    period. Both start them again when the fault is over. `restart`: they are stopped and started at
    once. `pause`: their processes stand still. `partition`: they are taken out of their networks,
    so that nobody reaches them.
    """
    duration_s: Annotated[float, Field(ge=0.1, le=3600)] | None = None
    """Seconds that the fault lasts: 3 when absent. A restart has none."""
    probe: ProbeText
    """What is asked all the time, as the host sees it: `"http://127.0.0.1:8080/health?ready"`."""
    status: Status = 200
    """The HTTP status that the probe answers when all is well."""
    probe_timeout_s: Annotated[int, Field(ge=1, le=300)] = 5
    """Seconds that one answer may take."""
    expect: Expectation
    """What the probe must answer while the fault lasts.

    `stays-up`: always as when all is well. `degrades`: it comes to answer `degraded_status`, and
    never anything else. `recovers`: anything. After the fault it must recover in any case.
    """
    degraded_status: Status | None = None
    """The HTTP status that the probe answers when it is degraded: 503 when absent."""
    unaffected: tuple[PathText, ...] = ()
    """Other paths that answer all the time, with a status from 200 to 399."""
    recovers_within_s: Annotated[float, Field(ge=0.1, le=3600)] = 30.0
    """Seconds after the end of the fault until all answers are again as when all is well."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.fault == "restart" and self.duration_s is not None:
            raise ValueError("a restart has no duration: `stop` stops a service for some time")
        if self.expect != "degrades" and self.degraded_status is not None:
            raise ValueError(f'degraded_status is for expect = "degrades", not "{self.expect}"')
        if self.expect == "degrades" and self.status == (self.degraded_status or DEGRADED_STATUS):
            raise ValueError(f"{self.status} is the status both when all is well and when degraded")
        return self
