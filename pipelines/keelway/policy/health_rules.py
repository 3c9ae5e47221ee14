"""Rules of a health check, by what a started image did.

It must pass in time and fail when the service is gone, and the image must stop when it is told to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.policy.starting import EMULATED, shown_time

if TYPE_CHECKING:
    from keelway.policy.starting import Health, Proof, Started, StartSpec

IN_TIME, DETECTS, STOPS = "health-in-time", "health-detects", "health-stops"
RULE_NAMES = (IN_TIME, DETECTS, STOPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthResult:
    """One rule: how it was kept or broken."""

    rule: str
    text: str
    broken: bool


def unproved(started: Started, health: Health | None, spec: StartSpec) -> str | None:
    """Return why nothing can be said of an image's own health check; nothing when it can."""
    if health is None:
        return "it has no HEALTHCHECK"
    if spec.healthcheck is not None:
        return "policy.images start.healthcheck is asked in place of its own"
    if not started.passed:
        return "it did not become healthy: see starts"
    if started.proof is None:
        return "its command ended by itself: there is no service to stop"
    return None


def health_results(
    started: Started, proof: Proof, health: Health, spec: StartSpec
) -> tuple[HealthResult, ...]:
    """Return what came of each rule.

    Args:
        started: How the image started.
        proof: What it did then.
        health: Its health check.
        spec: How it was started.
    """
    return (_in_time(started, proof, health), _detects(proof, health, spec), _stops(proof, spec))


def _in_time(started: Started, proof: Proof, health: Health) -> HealthResult:
    after = shown_time(started.milliseconds)
    declared = f"{health.allowed_s:g} s (start period and retries times interval)"
    if proof.emulated:
        declared += f", {EMULATED} times as much where it is emulated"
    text = f"healthy after {after}, declared are {declared}"
    if not proof.in_time:
        text = f"healthy only after {after}: an engine gives it up after {declared}"
    return HealthResult(rule=IN_TIME, text=text, broken=not proof.in_time)


def _detects(proof: Proof, health: Health, spec: StartSpec) -> HealthResult:
    if proof.noticed_ms is not None:
        after = shown_time(proof.noticed_ms)
        text = f"its health check fails {after} after the service is gone"
        return HealthResult(rule=DETECTS, text=text, broken=False)
    waited = min(health.notice_s, spec.notice_s)
    text = f"its health check still passes {waited:g} s after the service is gone: it asks nothing"
    return HealthResult(rule=DETECTS, text=text, broken=True)


def _stops(proof: Proof, spec: StartSpec) -> HealthResult:
    if proof.stopped_ms is not None:
        text = f"stopped {shown_time(proof.stopped_ms)} after its stop signal"
        return HealthResult(rule=STOPS, text=text, broken=False)
    text = f"it still ran {spec.stop_grace_s} s after its stop signal"
    if not proof.handled:
        text = (
            "its first process has no handler for the stop signal: in a container it goes on until "
            f"it is killed, {spec.stop_grace_s} s later"
        )
    return HealthResult(rule=STOPS, text=text, broken=True)
