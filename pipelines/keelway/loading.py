"""The load test by itself: what `keelway load` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.model.outcome import Skipped
from keelway.stages.build import build
from keelway.stages.gate import gate
from keelway.stages.load import load

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.model.verdict import Verified
    from keelway.planning import Plan


async def build_and_load(run: Run, plan: Plan) -> Verified:
    """Return the proof that the images hold what the load test asks; nothing else is judged.

    The target is started with its neighbours, where the compose file has them.

    Raises:
        PlanError: No load test is configured.
        GateError: A threshold was crossed, or the last release was better by more than allowed.
        KeelwayError: Something broke.
    """
    spec = plan.verify.load
    if isinstance(spec, Skipped):
        raise PlanError(
            f"there is no load test: {spec.reason}",
            next_step="set load.target, and load.script or load.probe",
        )
    images = await build(run, plan.verify.build)
    report = await load(run, spec, images)
    left_out = Skipped("only the load test was asked for")
    return await gate(run, plan.verify.gate, images, left_out, left_out, left_out, None, report)
