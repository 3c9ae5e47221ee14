"""[deploy.NAME.analysis]: what shows whether a new version is good before it serves, and after."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from keelway.config.load import Expressions, PathText, ProbeConfig, UrlText
from keelway.config.section import Name, Section, Text, Variable

Moment = Literal["before", "step", "after"]
Asker = Literal["host", "here"]
Status = Annotated[int, Field(ge=100, le=599)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


PatternText = Annotated[Text, AfterValidator(_pattern)]


class SmokeConfig(Section):
    """One test that the new version passes before it gets a request: a path, or a command."""

    name: Name
    """What is said of it in messages."""
    service: Name | None = None
    """The service that is asked: the first one of the proxy when absent."""
    path: PathText | None = None
    """What is asked for: the answer has a status from 200 to 399."""
    command: tuple[Text, ...] = ()
    """In place of a path: a program and its arguments, which must end with the exit code 0.

    It finds the new version's URL in `KEELWAY_URL` and its colour in `DEPLOYMENT_COLOR`.
    """
    asked_from: Asker = "host"
    """Who asks: the host itself, or the machine where keelway runs (`"here"`)."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """How long it may take."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.path is None) == (not self.command):
            raise ValueError("a smoke test has either a path or a command")
        return self


class ProbeSeriesConfig(Section):
    """A path that is asked again and again, and what its answers must be."""

    name: Name
    """What is said of it in messages."""
    service: Name | None = None
    """The service that is asked: the first one of the proxy when absent."""
    path: PathText = "/"
    """What is asked for."""
    url: UrlText | None = None
    """In place of a path: the whole URL, as the one who asks sees it."""
    at: tuple[Moment, ...] = ("before", "step", "after")
    """When: before the new version gets a request, at each step that gives it more of them (it is
    asked directly both times), and after the switch (through the proxy).
    """
    asked_from: Asker = "host"
    """Who asks: the host itself, or the machine where keelway runs (`"here"`)."""
    statuses: tuple[Status, ...] = ()
    """HTTP statuses that are good; all from 200 to 399 when empty."""
    body: PatternText | None = None
    """A regular expression that must be found in the answer."""
    latency_ms: Annotated[float, Field(gt=0)] | None = None
    """The time in which an answer is good; any time when absent."""
    unclear_ms: Annotated[float, Field(gt=0)] | None = None
    """The time in which an answer is unclear, and after which it is bad: more than `latency_ms`."""
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 5.0
    """After how long there is no answer."""
    interval_s: Seconds = 5.0
    """From one request to the next."""
    count: Annotated[int, Field(ge=1, le=100_000)] = 3
    """How many requests."""
    failure_limit: Annotated[int, Field(ge=0)] = 0
    """How many may be bad."""
    unclear_limit: Annotated[int, Field(ge=0)] = 0
    """How many may be unclear, until nobody can tell."""
    successes_in_a_row: Annotated[int, Field(ge=1)] | None = None
    """So many good ones one after the other end it early; without them nobody can tell."""

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        if self.unclear_ms is not None and self.unclear_ms <= (self.latency_ms or self.unclear_ms):
            raise ValueError("unclear_ms is more than latency_ms")
        return self


class AnalysisLoadConfig(Section):
    """A load test of the new version by k6, where it is deployed: a script or a probe."""

    script: Text | None = None
    """The k6 script, which reads the service's URL as `__ENV.TARGET`."""
    files: tuple[Text, ...] = ()
    """Further files that the script imports or opens: patterns relative to its folder."""
    probe: ProbeConfig | None = None
    """In place of a script: plain requests."""
    service: Name | None = None
    """The service that is put under load: the first one of the proxy when absent."""
    at: tuple[Moment, ...] = ("before",)
    """When: as for `probes`."""
    asked_from: Asker = "host"
    """Where k6 runs, and must be: on the host, or where keelway runs (`"here"`)."""
    program: Text = "k6"
    """The program: a path, or a name on PATH."""
    environment: Mapping[Variable, str] = {}
    """What the script reads as `__ENV.NAME`; no secrets."""
    thresholds: Mapping[Text, Expressions] = {}
    """k6's thresholds by metric, as in `http_req_duration = ["p(95)<300"]`."""
    vus: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Virtual users, in place of the script's own."""
    duration_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """How long the script runs, in place of its own."""
    iterations: Annotated[int, Field(ge=1)] | None = None
    """How often the script runs in all, in place of its own."""
    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 600
    """After how long it is given up."""

    @model_validator(mode="after")
    def _one_kind_of_test(self) -> Self:
        if (self.script is None) == (self.probe is None):
            raise ValueError("a load test is either a script or a probe")
        return self


class AnalysisConfig(Section):
    """What shows whether a new version is good. Nothing of it is asked of a rollback `--now`."""

    url: UrlText | None = None
    """Where everybody reaches the services, as the one who asks sees it: for what is asked after
    the switch. The proxy's own address when absent.
    """
    smoke: tuple[SmokeConfig, ...] = ()
    """Tests before the switch, one after the other; the first that fails ends it."""
    probes: tuple[ProbeSeriesConfig, ...] = ()
    """What is asked again and again, side by side."""
    load: tuple[AnalysisLoadConfig, ...] = ()
    """Load tests, one after the other."""
    inconclusive: Literal["ask", "proceed", "roll-back"] = "ask"
    """What follows when nobody can tell whether the new version is good.

    `"ask"`: all stays as it is at that moment, both versions run, and a person decides.
    """

    def services(self) -> tuple[str, ...]:
        """Return the services that are named."""
        named = (
            *(one.service for one in self.smoke),
            *(one.service for one in self.probes),
            *(one.service for one in self.load),
        )
        return tuple(name for name in named if name is not None)

    def needs_url(self) -> bool:
        """Return whether anything is asked whose whole URL is not written."""
        return bool(self.smoke or self.load or any(one.url is None for one in self.probes))
