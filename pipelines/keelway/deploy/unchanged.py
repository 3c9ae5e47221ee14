"""Whether a release has to be brought at all: what runs already, as it would be, is left alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.looking import is_well, serving_services
from keelway.errors import ConfigError, PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.side import Side
    from keelway.deploy.target import Checked
    from keelway.deploy.turn import Turn


async def is_unchanged(turn: Turn, sides: Sequence[Side], checked: Checked) -> bool:
    """Return whether all hosts run a release just as it would be put there now, and it is well.

    Looked at are its version and digests, the strategy, every file with its secrets, the
    containers, and what the proxy sends requests to. Whoever freezes a release has it brought.

    Args:
        turn: The run.
        sides: The hosts.
        checked: The release, which verified.

    Raises:
        StageError: A host does not tell.
    """
    if turn.task.freeze is not None:
        return False
    try:
        return all(await each(partial(_is_unchanged, turn, checked), sides))
    except (ConfigError, PlanError):
        # What cannot be put there is told, and written down, where it is to be put there.
        return False


async def _is_unchanged(turn: Turn, checked: Checked, side: Side) -> bool:
    current = side.current
    if current is None:
        return False
    release, kit = current.release, turn.kit
    is_release = (release.version, dict(release.images)) == (
        checked.wanted.version,
        dict(checked.images),
    )
    is_brought_so = (release.parts, current.live.strategy) == (kit.parts, kit.strategy_name)
    if not (is_release and is_brought_so):
        return False
    services = await serving_services(side)
    return (
        bool(services)
        and all(map(is_well, services))
        and await kit.is_put(side, current)
        and await turn.strategy(kit.strategy_name, side).serves(side.host, current.live)
    )
