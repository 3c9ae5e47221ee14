"""The instructions that hold a command, read from their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.dockerfile.durations import nanoseconds
from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.flags import Known, did_you_mean
from keelway.dockerfile.instructions import Cmd, Command, Entrypoint, Healthcheck, Run
from keelway.dockerfile.mounts import parse_mount
from keelway.dockerfile.words import exec_form, keyword

if TYPE_CHECKING:
    from keelway.dockerfile.flags import Flags
    from keelway.dockerfile.statement import Reading

_RUN = Known(texts=frozenset({"network", "security"}), lists=frozenset({"mount", "device"}))
_CHECK = Known(
    texts=frozenset({"interval", "timeout", "start-period", "start-interval", "retries"})
)
_NETWORKS = {"default", "none", "host"}
_SECURITY = {"sandbox", "insecure"}
_SHORTEST = 10**6
"""Docker takes no duration below a millisecond, 0 aside."""


def _command(reading: Reading, text: str) -> Command:
    words = exec_form(text)
    if words is not None:
        return Command(words=words, is_shell=False)
    return Command(words=(text,) if text else (), is_shell=True, heredocs=reading.heredocs)


def read_run(reading: Reading) -> Run:
    """Return a `RUN`.

    Raises:
        SyntaxProblem: The line is no `RUN`.
    """
    flags = reading.flags(_RUN)
    command = _command(reading, reading.rest)
    if not command.words:
        raise SyntaxProblem("RUN requires at least one argument: the command")
    return Run(
        command=command,
        mounts=tuple(parse_mount(text) for text in flags.many("mount")),
        network=_one_of(flags, "network", "default", _NETWORKS),
        security=_one_of(flags, "security", "sandbox", _SECURITY),
        devices=flags.many("device"),
        **reading.placed,
    )


def _one_of(flags: Flags, name: str, default: str, known: set[str]) -> str:
    value = flags.text(name, default)
    if value not in known:
        choices = ", ".join(sorted(known))
        raise SyntaxProblem(
            f'{name} mode "{value}" is not supported: use one of {choices}'
            f"{did_you_mean(value, known)}"
        )
    return value


def read_cmd(reading: Reading) -> Cmd:
    """Return a `CMD`.

    Raises:
        SyntaxProblem: The line is no `CMD`.
    """
    reading.flags()
    return Cmd(command=_command(reading, reading.rest), **reading.placed)


def read_entrypoint(reading: Reading) -> Entrypoint:
    """Return an `ENTRYPOINT`; without words it clears the one of the base image.

    Raises:
        SyntaxProblem: The line is no `ENTRYPOINT`.
    """
    reading.flags()
    return Entrypoint(command=_command(reading, reading.rest), **reading.placed)


def read_healthcheck(reading: Reading) -> Healthcheck:
    """Return a `HEALTHCHECK`.

    Raises:
        SyntaxProblem: The line is no `HEALTHCHECK`.
    """
    if not reading.rest:
        raise SyntaxProblem("HEALTHCHECK requires at least one argument: NONE or CMD")
    kind, rest = keyword(reading.rest)
    flags = reading.flags(_CHECK)
    if kind == "NONE":
        if rest:
            raise SyntaxProblem("HEALTHCHECK NONE takes no arguments")
        return Healthcheck(command=None, **reading.placed)
    if kind != "CMD":
        raise SyntaxProblem(f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    command = _command(reading, rest)
    if not command.words:
        raise SyntaxProblem("missing command after HEALTHCHECK CMD")
    return Healthcheck(
        command=command,
        interval=_duration(flags, "interval"),
        timeout=_duration(flags, "timeout"),
        start_period=_duration(flags, "start-period"),
        start_interval=_duration(flags, "start-interval"),
        retries=_retries(flags.text("retries", "0")),
        **reading.placed,
    )


def _duration(flags: Flags, name: str) -> int:
    text = flags.text(name)
    if not text:
        return 0
    found = nanoseconds(text)
    if 0 < found < _SHORTEST:
        raise SyntaxProblem(f'interval "{name}" cannot be less than 1ms')
    return found


def _retries(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise SyntaxProblem(f'invalid value "{text}" for --retries: must be a number') from None
    if found < 0:
        raise SyntaxProblem(f"--retries cannot be negative ({found})")
    return found
