"""Which engines do the work of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._cli.env import environment
from keelway._engines import SESSION_PORT
from keelway.fleet.planning import plan_fleet
from keelway.fleet.spec import FleetSpec
from keelway.model.engine_choice import EngineChoice
from keelway.proof.source import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway._cli.prepare import Prepared
    from keelway.planning import Part


def prepare_fleet(
    prepared: Prepared, engine: EngineChoice, without: Mapping[Part, str], *, rerun: bool = False
) -> FleetSpec | None:
    """Return which engines do the work; nothing where one does it all.

    An engine that was asked for, and a session that is open already, do it all.

    Args:
        prepared: The release.
        engine: What was asked for.
        without: Parts to leave out, each with the reason.
        rerun: Whether tests run although they passed before.

    Raises:
        PlanError: A platform has engines that no image is built for.
    """
    if engine is not EngineChoice.AUTO or environment().get(SESSION_PORT):
        return None
    fleet = plan_fleet(prepared.loaded.config, prepared.facts, without=without, rerun=rerun)
    if fleet is None:
        return None
    return FleetSpec(
        plan=fleet,
        source=source_of(prepared.written, prepared.facts),
        directory=str(prepared.report_directory),
    )
