"""What of an experiment contradicts itself: keys that do not go together, and impossible times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.config.explain import Place
    from keelway.config.faults import FaultConfig
    from keelway.config.integration import IntegrationConfig
    from keelway.errors import ConfigProblem

FAULTS_SUITE = "faults"
"""What the experiments are called together, as a test suite."""
NETWORK_FAULTS = frozenset({"partition", "latency"})
DEGRADED_STATUS = 503
DURATION_S = 3.0


def fault_problems(integration: IntegrationConfig, place: Place) -> Iterator[ConfigProblem]:
    """Yield what is wrong with each experiment by itself, at the key that says so."""
    for index, fault in enumerate(integration.faults):
        for key, text in _objections(fault):
            yield place.problem(("integration", "faults", index, key), text)
    for index, suite in enumerate(integration.suites):
        if integration.faults and suite.name == FAULTS_SUITE:
            text = f"{FAULTS_SUITE!r} is what the experiments are called in reports: name it else"
            yield place.problem(("integration", "suites", index, "name"), text)


def _objections(fault: FaultConfig) -> Iterator[tuple[str, str]]:
    kind = fault.fault
    if kind == "restart" and fault.duration_s is not None:
        yield "duration_s", "a restart has no duration: `stop` stops a service for some time"
    if kind == "latency" and fault.latency_ms is None:
        yield "fault", "latency needs latency_ms: how late the answers come"
    if kind != "latency" and fault.latency_ms is not None:
        yield "latency_ms", f"this is for latency, not for {kind}"
    if kind not in NETWORK_FAULTS and fault.ports:
        yield "ports", f"these are for partition and latency: {kind} needs none"
    yield from _impossible_times(fault)
    yield from _expectations(fault)


def _impossible_times(fault: FaultConfig) -> Iterator[tuple[str, str]]:
    late_s = (fault.latency_ms or 0) / 1000
    late = f"answers would come {late_s:g} s late"
    if fault.expect == "stays-up" and late_s >= fault.probe_timeout_s:
        yield "latency_ms", f"{late}, and the probe gives up after {fault.probe_timeout_s} s"
    lasting_s = DURATION_S if fault.duration_s is None else fault.duration_s
    if late_s > lasting_s:
        key = "latency_ms" if fault.duration_s is None else "duration_s"
        yield key, f"{late}, and the fault is over after {lasting_s:g} s"


def _expectations(fault: FaultConfig) -> Iterator[tuple[str, str]]:
    if fault.expect != "degrades" and fault.degraded_status is not None:
        yield "degraded_status", f'this is for expect = "degrades", not for "{fault.expect}"'
    degraded = DEGRADED_STATUS if fault.degraded_status is None else fault.degraded_status
    if fault.expect == "degrades" and degraded == fault.status:
        key = "status" if fault.degraded_status is None else "degraded_status"
        yield key, f"{degraded} is the status both when all is well and when it is degraded"
    if fault.target == fault.service:
        if fault.fault in NETWORK_FAULTS:
            text = f"{fault.fault} is between two services, and the probe asks {fault.service} too"
            yield "service", text
        elif fault.expect != "recovers":
            text = f'{fault.service} is what is probed: hurt itself it can only be "recovers"'
            yield "expect", text
        elif fault.unaffected:
            yield "unaffected", f"{fault.service} is hurt itself: no path of it stays unaffected"
