"""All hosts looked at before anything is changed on one of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.deploy.host import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.side import Side
    from keelway.deploy.turn import Turn

_MB = 1024 * 1024


async def preflight(turn: Turn, sides: Sequence[Side]) -> None:
    """Return when all hosts have what a deployment needs.

    Raises:
        HostError: One has not; nothing was changed.
    """
    await each(partial(_check, turn), sides)


async def _check(turn: Turn, side: Side) -> None:
    needed = turn.spec.min_free_bytes
    for free, where in (
        (await side.runtime.disk_free(), "where images and volumes are kept"),
        (await _free_in_folder(side), side.layout.folder),
    ):
        if free < needed:
            raise HostError(
                f"{side.name} has {free // _MB} MB free in {where}, and {needed // _MB} MB are "
                "needed: nothing was changed",
                host=side.name,
                next_step="make room there, or set min_free_mb",
            )


async def _free_in_folder(side: Side) -> int:
    ran = await side.host.run(("df", "-Pk", "--", side.layout.folder))
    fields = ran.text.splitlines()[-1].split() if ran.text else []
    try:
        return int(fields[3]) * 1024
    except (IndexError, ValueError) as error:
        raise HostError(
            f"{side.name} does not tell how much room is in {side.layout.folder}",
            host=side.name,
            why=ran.complaint or None,
        ) from error
