"""`keelway history`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_targets
from keelway._cli.options import AsJson, ConfigFile


def history(
    target: Annotated[
        str | None,
        typer.Argument(help="A target under [deploy]; else all.", autocompletion=complete_targets),
    ] = None,
    *,
    config: ConfigFile = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many events are shown, the newest last.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what was done to deploy targets.

    It is what their hosts have written down: version, digests and evidence, who did it from which
    run, how long it took, how it ended, and what it replaced.
    """
    from keelway._cli.history_view import show_history  # noqa: PLC0415 -- help starts at once

    show_history(target, config, limit=limit, as_json=as_json)
