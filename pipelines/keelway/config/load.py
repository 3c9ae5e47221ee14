"""[load]: the services under load, and what they must hold."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from keelway.config.section import Section, Text, Variable

UrlText = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*://[^/\s]+(/\S*)?$")]
PathText = Annotated[str, StringConstraints(pattern=r"^/\S*$")]
PercentText = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)? ?%$")]
Expressions = Annotated[tuple[Text, ...], Field(min_length=1)]


class ProbeConfig(Section):
    """A plain health-and-latency probe, for projects without a k6 script."""

    paths: Annotated[tuple[PathText, ...], Field(min_length=1)] = ("/",)
    """What is asked for, in turn, below `target`."""
    requests: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """How many requests are made in all."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many are made at once."""
    statuses: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    """HTTP statuses that count as an answer; all from 200 to 399 when empty."""
    request_timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    """How long one answer may take."""


class RegressionConfig(Section):
    """How much worse than the last release the figures may be. What is absent is not compared."""

    latency: PercentText | None = None
    """By which the 95th percentile may grow, as in `"25%"`."""
    throughput: PercentText | None = None
    """By which the requests in a second may become fewer."""
    error_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    """By which the share of failed requests may grow: `0.01` is one in a hundred more."""
    slack_ms: Annotated[float, Field(ge=0)] = 5.0
    """The 95th percentile may grow by this in any case."""


class LoadConfig(Section):
    """A load test of the built images, by k6: a script or a probe. Without both there is none."""

    enabled: bool = True
    """Whether it is run at all."""
    script: Text | None = None
    """The k6 script, JavaScript or TypeScript."""
    files: tuple[Text, ...] = ()
    """Further files that the script imports or opens: patterns relative to its folder."""
    probe: ProbeConfig | None = None
    """In place of a script: plain requests."""
    target: UrlText | None = None
    """The service, as in `"http://orders:8080"`; a script reads it as `__ENV.TARGET`."""
    alone: bool = False
    """Whether the image that `target` names is started without its neighbours.

    Else, where the compose file of `[integration]` has a service of that name, it is started as
    written there, with all that it depends on.
    """
    environment: Mapping[Variable, str] = {}
    """What the script reads as `__ENV.NAME`; no secrets."""
    thresholds: Mapping[Text, Expressions] = {}
    """k6's thresholds by metric, as in `http_req_duration = ["p(95)<300"]`.

    For a metric that is named here they take the place of the script's own. Where nobody says
    anything of `http_req_failed`, it must stay below 1 %.
    """
    vus: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Virtual users, in place of the script's own."""
    duration_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """How long the script runs, in place of its own."""
    iterations: Annotated[int, Field(ge=1)] | None = None
    """How often the script runs in all, in place of its own."""
    timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 600
    """After how long the test is given up, with the time that the services take to start."""
    reuse_days: Annotated[int, Field(ge=0, le=365)] = 1
    """Days for which figures that passed are reused, while nothing that decides them changed, the
    machine included: its processors and its memory. 0: never."""
    regression: RegressionConfig = Field(default_factory=RegressionConfig)
    """How much worse than the last release it may be."""

    @model_validator(mode="after")
    def _one_kind_of_test(self) -> Self:
        if self.script is not None and self.probe is not None:
            msg = "script and probe are both given: a load test is one of them"
            raise ValueError(msg)
        if (self.script is not None or self.probe is not None) and self.target is None:
            msg = 'target is missing: name the service, as in "http://orders:8080"'
            raise ValueError(msg)
        only_scripts = (self.vus, self.duration_s, self.iterations, *self.files)
        if self.probe is not None and any(value is not None for value in only_scripts):
            msg = "vus, duration_s, iterations and files are a script's: a probe has its own keys"
            raise ValueError(msg)
        return self
