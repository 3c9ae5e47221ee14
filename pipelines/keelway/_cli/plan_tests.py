"""What a plan says of the tests, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keelway.model.outcome import Skipped
from keelway.model.tool import describe
from keelway.stack.spec import StackSpec

if TYPE_CHECKING:
    from keelway.planning import Plan


def integration_part(plan: Plan) -> dict[str, Any] | None:
    """Return what is tested beside its neighbours; nothing when it is skipped."""
    integration = plan.verify.integration
    if isinstance(integration, Skipped):
        return None
    return {
        "platforms": list(integration.platforms),
        "suites": [
            {
                "name": suite.name,
                "tests": suite.tests.name,
                "services": list(services),
                "built": {name: suite.built[name] for name in services if name in suite.built},
                "junit": list(suite.junit),
            }
            for suite in integration.suites
            for services in [StackSpec(project=suite.project, services=suite.services).chosen()]
        ],
        "faults": [
            {
                "name": fault.name,
                "service": fault.service,
                "fault": fault.done,
                "probe": fault.probe,
                "expect": fault.expect,
                "recovers_within_s": fault.recovers_within_s,
                "services": list(fault.beside.chosen()),
            }
            for fault in integration.faults
        ],
    }


def load_part(plan: Plan) -> dict[str, Any] | None:
    """Return what is put under load; nothing when it is skipped."""
    load = plan.verify.load
    if isinstance(load, Skipped):
        return None
    return {
        "tool": "k6",
        "source": describe(load.tool),
        "test": load.shown,
        "target": load.target,
        "thresholds": [
            f"{metric}: {one}" for metric, some in load.thresholds.items() for one in some
        ],
    }
