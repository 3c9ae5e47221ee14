"""[[deploy.NAME.faults]]: what contradicts itself is refused, and the rest becomes experiments."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from keelway.config.deploy_faults import DeployFaultConfig
from keelway.deploy.disturbing import plan_disturbances

WRITTEN: dict[str, object] = {
    "name": "db-away",
    "service": "db",
    "fault": "partition",
    "probe": "http://127.0.0.1:8080/ready",
    "expect": "degrades",
    "unaffected": ("/health",),
}


def test_an_experiment_is_planned_with_what_nobody_wrote() -> None:
    (planned,) = plan_disturbances([DeployFaultConfig.model_validate(WRITTEN)])
    assert planned.done == "db cut off for 3 s"
    assert planned.urls == ("http://127.0.0.1:8080/ready", "http://127.0.0.1:8080/health")
    assert (planned.status, planned.degraded_status) == (200, 503)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fault": "restart", "duration_s": 2}, "a restart has no duration"),
        ({"expect": "recovers", "degraded_status": 503}, "is for expect"),
        ({"status": 503}, "both when all is well and when degraded"),
        ({"fault": "latency"}, "partition"),
    ],
)
def test_what_contradicts_itself_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DeployFaultConfig.model_validate({**WRITTEN, **changed})
