"""The health check of a container: how it is set, and the fields that tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.values import Healthcheck
from keelway.engine.schema.durations import nanoseconds, text_of
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_container import configured

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

_NONE = ("NONE",)
"""What an image has whose Dockerfile switched the check off."""

HEALTHCHECK = Resolvers()
HEALTHCHECK.record("HealthcheckConfig", "shell", "retries")


@HEALTHCHECK.field("Container", "withDockerHealthcheck")
def with_healthcheck(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set the health check."""
    words: tuple[str, ...] = tuple(args["args"])
    shell = bool(args.get("shell", False))
    if shell and len(words) != 1:
        raise EngineError("WithHealthcheck args must be a single element when shell mode is set")
    if not words:
        raise EngineError("WithHealthcheck args is missing")
    check = Healthcheck(
        args=words,
        shell=shell,
        interval=nanoseconds(args.get("interval")),
        timeout=nanoseconds(args.get("timeout")),
        start_period=nanoseconds(args.get("startPeriod")),
        start_interval=nanoseconds(args.get("startInterval")),
        retries=args.get("retries") or 0,
    )
    return configured(parent, healthcheck=check)


@HEALTHCHECK.field("Container", "withoutDockerHealthcheck")
def without_healthcheck(parent: Container, _args: Arguments, _session: Session) -> Container:
    """Unset the health check."""
    return configured(parent, healthcheck=None)


@HEALTHCHECK.field("Container", "dockerHealthcheck")
def healthcheck(parent: Container, _args: Arguments, session: Session) -> Healthcheck | None:
    """Return the health check, None when there is none."""
    session.sync_container(parent)
    check = parent.config.healthcheck
    return None if check is None or check.args == _NONE else check


@HEALTHCHECK.field("HealthcheckConfig", "args")
def healthcheck_args(parent: Healthcheck, _args: Arguments, _session: Session) -> list[str]:
    """Return the command."""
    return list(parent.args)


def _duration(field: str, attribute: str) -> None:
    @HEALTHCHECK.field("HealthcheckConfig", field)
    def read(parent: Healthcheck, _args: Arguments, _session: Session) -> str:
        return text_of(getattr(parent, attribute))


for _field, _attribute in (
    ("interval", "interval"),
    ("timeout", "timeout"),
    ("startPeriod", "start_period"),
    ("startInterval", "start_interval"),
):
    _duration(_field, _attribute)
