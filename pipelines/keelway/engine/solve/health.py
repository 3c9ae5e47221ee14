"""Whether a service is healthy: its ports answer, or its check says so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError, ExecFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.graph.ops import Check, Service
    from keelway.engine.run.executing import Running
    from keelway.engine.solve.machine import Machine

# As long as Dagger goes on trying one port.
_PORT_S = 15 * 60.0
# Short at first: most services listen at once, and asking costs next to nothing.
_FIRST_S = 0.01
_GROWTH = 1.5
_LONGEST_S = 10.0
_DIAL_S = 10.0
# Dagger's own, where the check does not say.
_INTERVAL_S = 5.0
_TIMED_OUT = 124
_LAST_PORT = (1 << 16) - 1


def wait_healthy(
    machine: Machine,
    service: Service,
    process: Running,
    address: str,
    over: Callable[[float], bool],
) -> bool:
    """Wait until the service is healthy; return False when it was over before.

    `over` waits so many seconds and tells whether the service has ended meanwhile.

    Raises:
        ExecFailed: The health check failed too often.
        EngineError: A port did not open in a quarter of an hour, or is none.
    """
    if not _begun(process, over):
        return False
    if service.check is not None:
        return _check(machine, service.check, process, over)
    return all(_answers(machine, address, port, over) for port in service.probed)


def _begun(process: Running, over: Callable[[float], bool]) -> bool:
    """Wait until the command itself runs."""
    while not process.has_begun():
        if over(_FIRST_S / 4):
            return False
    return True


def _answers(machine: Machine, address: str, port: int, over: Callable[[float], bool]) -> bool:
    if not 0 < port <= _LAST_PORT:
        raise EngineError(
            f"health check errored: checking for port {port}/tcp: "
            f"dial tcp: address {port}: invalid port"
        )
    wait_s = _FIRST_S
    begun = time.monotonic()
    while True:
        try:
            machine.network.dial(address, port, timeout_s=_DIAL_S).close()
        except OSError as error:
            if over(wait_s):
                return False
            if time.monotonic() - begun > _PORT_S:
                reason = (error.strerror or str(error)).lower()
                raise EngineError(
                    f"health check errored: checking for port {port}/tcp: "
                    f"dial tcp {address}:{port}: {reason}"
                ) from error
            wait_s = min(wait_s * _GROWTH, _LONGEST_S)
        else:
            return True


def _check(machine: Machine, check: Check, process: Running, over: Callable[[float], bool]) -> bool:
    """Ask until the answer is good; the service fails when it was bad as often as allowed.

    Without an interval the command is asked often, so that a good answer is not waited for, but a
    bad one counts only once in Dagger's default interval.
    """
    counting_from = time.monotonic() + check.start_period_s
    last = counting_from + (check.retries - 1) * _INTERVAL_S
    given_s = check.start_interval_s or check.interval_s
    failures, wait_s = 0, _FIRST_S
    while True:
        asked = machine.runtime.ask(process, check.args, timeout_s=check.timeout_s)
        if asked is not None and asked.code == 0:
            return True
        now = time.monotonic()
        if over(0):
            return False
        failures += now >= counting_from
        if now >= last if given_s is None else failures >= check.retries:
            raise ExecFailed(
                f"health check errored: exit code: {_TIMED_OUT if asked is None else asked.code}",
                command=check.args,
                exit_code=_TIMED_OUT if asked is None else asked.code,
                stdout="" if asked is None else asked.stdout.decode("utf-8", "replace"),
                stderr="timed out" if asked is None else asked.stderr.decode("utf-8", "replace"),
            )
        if over(given_s or wait_s):
            return False
        wait_s = min(wait_s * _GROWTH, _LONGEST_S)
