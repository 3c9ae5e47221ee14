"""How an image is started to prove what it claims, and what came of it.

`keelway.policy.start_script` is what runs; this is what it is told, and what it tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUSYBOX_PATH = "/.keelway-tool/busybox"
"""Where BusyBox is mounted; its name must be this, for it looks at what it is called by."""
STATE_PATH = "/.keelway-start"
"""A temporary directory for logs, closed to the image's user."""

NOT_HEALTHY = 10
"""Exit code of the script when the image did not pass."""
NOT_ENFORCED = 20
"""Exit code of the script when the engine does not let it take rights away."""

EMULATED = 3
"""How much longer everything may take where another machine's programs are emulated."""

State = Literal["healthy", "running", "finished", "ended", "unhealthy", "unenforced"]

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSpec:
    """How one image is started."""

    enabled: bool = True
    emulated: bool = True
    """Whether it is started too where its programs are another machine's."""
    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a path in a container
    """Directories that may be written to."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    arguments: tuple[str, ...] | None = None
    """In place of the image's own CMD."""
    healthcheck: tuple[str, ...] | None = None
    """In place of the image's own HEALTHCHECK."""
    timeout_s: int = 60
    stop_grace_s: int = 10
    """How long it may take to stop after its stop signal."""
    notice_s: int = 15
    """How long its health check may take at most to notice that the image is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A health check."""

    command: tuple[str, ...]
    interval_s: float = 0.5
    """How often it is asked here, where nobody waits for the long interval of production."""
    timeout_s: int = 30
    declared_interval_s: float = 30
    start_period_s: float = 0
    retries: int = 3

    @property
    def allowed_s(self) -> float:
        """Return how long the image may take: when an engine gives it up (Dockerfile reference).

        Failures in the start period do not count; then so many in a row do.
        """
        return self.start_period_s + self.notice_s

    @property
    def notice_s(self) -> float:
        """Return after how long an engine calls an image unhealthy that was healthy before."""
        return self.retries * self.declared_interval_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a healthy image did then."""

    emulated: bool
    """Its programs are another machine's: times and memory are the emulator's too."""
    memory_bytes: int
    """The most that its processes held, added up."""
    in_time: bool
    """It was healthy before an engine would have given it up."""
    handled: bool
    """Its first process handles the stop signal."""
    stopped_ms: int | None
    """After the stop signal; None when it had to be killed."""
    noticed_ms: int | None
    """How long its health check took to fail once it was gone; None when it never did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of it."""

    state: State
    code: int | None
    """The exit code of the image's command, if it ended."""
    milliseconds: int
    """Until it was healthy, or until it was clear that it is not."""
    health: str
    """What the health check said last."""
    log: str
    """What the image's command said."""
    proof: Proof | None = None
    """Of an image that became healthy and has a health check of its own."""

    @property
    def passed(self) -> bool:
        """Whether the image does what it claims."""
        return self.state in {"healthy", "running", "finished"}


def health_of(config: Mapping[str, Any]) -> Health | None:
    """Return the HEALTHCHECK of an image's configuration; nothing when it has none.

    >>> health_of({"Healthcheck": {"Test": ["CMD", "ping"], "Interval": 10_000_000_000}})
    Health(command=('ping',), interval_s=0.5, timeout_s=30, declared_interval_s=10.0, \
start_period_s=0.0, retries=3)
    >>> health_of({"Healthcheck": {"Test": ["NONE"]}}) is None
    True
    """
    check = cast("Mapping[str, Any]", config.get("Healthcheck") or {})
    kind, *words = cast("Sequence[str]", check.get("Test") or ["NONE"])
    if kind == "NONE" or not words:
        return None
    if kind == "CMD-SHELL":
        words = [*(config.get("Shell") or ("/bin/sh", "-c")), *words]
    interval = (check.get("Interval") or 0) / _SECOND_NS or 30.0
    return Health(
        command=tuple(words),
        interval_s=min(interval, 0.5),
        timeout_s=max((check.get("Timeout") or 0) // _SECOND_NS or 30, 1),
        declared_interval_s=interval,
        start_period_s=(check.get("StartPeriod") or 0) / _SECOND_NS,
        retries=int(check.get("Retries") or 3),
    )


def objection(config: Mapping[str, Any], spec: StartSpec) -> str | None:
    """Return why an image cannot be started so, nothing when it can."""
    from keelway.policy.dockerfile_rules import is_root  # noqa: PLC0415 - not for a plan

    if not spec.enabled:
        return "policy.images start.enabled is false"
    if is_root(str(config.get("User") or "")):
        return "it runs as root, which is not started without capabilities: see user-not-root"
    return None


def parse_started(text: str) -> Started:
    """Return what the script told.

    Raises:
        ValueError: It is not what the script writes.
    """
    head, _, rest = text.partition("== health\n")
    health, _, rest = rest.partition("\n== log\n")
    log, found, _ = rest.rpartition("\n== end")
    told = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    state = told.get("state", "")
    if not found or state not in get_args(State):
        raise ValueError("the script that starts images did not come to its end")
    return Started(
        state=cast("State", state),
        code=int(told["code"]) if told.get("code") else None,
        milliseconds=int(told.get("ms") or 0),
        health=health.strip(),
        log=log.strip(),
        proof=_proof(told) if told.get("memory_kb") else None,
    )


def _proof(told: Mapping[str, str]) -> Proof:
    return Proof(
        emulated=told.get("emulated") == "yes",
        memory_bytes=int(told["memory_kb"]) * 1024,
        in_time=told.get("in_time") == "yes",
        handled=told.get("handled") == "yes",
        stopped_ms=int(told["stop_ms"]) if told.get("stop_ms") else None,
        noticed_ms=int(told["notice_ms"]) if told.get("notice_ms") else None,
    )


def unenforced(reason: str) -> Started:
    """Return what came of it where the engine does not even run the script.

    >>> unenforced("it may not").passed
    False
    """
    return Started(state="unenforced", code=None, milliseconds=0, health="", log=reason)


def told(started: Started, spec: StartSpec) -> str:
    """Return what came of it, as one sentence."""
    how = "with its own user, a read-only root and no capabilities"
    match started.state:
        case "healthy":
            return f"healthy after {shown_time(started.milliseconds)} {how}"
        case "running":
            return f"runs {how}; it has no health check to ask"
        case "finished":
            return f"ran to its end {how}"
        case "ended":
            code = "" if started.code is None else f" with exit code {started.code}"
            return f"started {how} it ended{code}"
        case "unhealthy":
            return f"started {how} it did not become healthy in {spec.timeout_s} s"
        case "unenforced":
            return f"this engine cannot start it {how}: {started.log}"


def shown_time(milliseconds: float) -> str:
    """Return a time as people read it.

    >>> shown_time(120), shown_time(4500)
    ('120 ms', '4.5 s')
    """
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"
