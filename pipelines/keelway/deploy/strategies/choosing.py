"""The strategy that a deploy target has, with all that the configuration says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.deploy.analysis import Analyst
from keelway.deploy.strategies.analysed import Analysed
from keelway.deploy.strategies.blue_green import BlueGreen
from keelway.deploy.strategies.recreate import Recreate
from keelway.deploy.strategies.rolling import Rolling
from keelway.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.config.deploy_compose import ComposeTarget
    from keelway.deploy.site import Strategy


def strategy_of(
    name: str, target: str, config: ComposeTarget, *, root: Path, run_analysis: bool = True
) -> Strategy:
    """Return a strategy.

    Args:
        name: As the configuration calls it: the target's own, or the one that a release came by.
        target: The deploy target's name.
        config: What is written of it.
        root: Where the configuration's paths begin.
        run_analysis: Whether the new version is judged, beyond the health of its containers.

    Raises:
        PlanError: The release came by blue/green, and the target has no proxy any more.
    """
    analyst = Analyst(config.analysis, root=root) if run_analysis else None
    if name == BlueGreen.name:
        if config.proxy is None:
            raise PlanError(
                f"deploy.{target} runs behind a proxy that the configuration does not have",
                next_step=f"write [deploy.{target}.proxy] as it was when this was deployed",
            )
        return BlueGreen(target, config.proxy, analyst)
    inner = Rolling() if name == Rolling.name else Recreate()
    return inner if analyst is None else Analysed(inner, analyst)
