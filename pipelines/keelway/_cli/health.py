"""`keelway health`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_targets
from keelway._cli.compose import ComposeName
from keelway._cli.logs import RunningFiles
from keelway._cli.options import AsJson, ConfigFile


def health(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="Targets under [deploy] whose hosts are asked; this machine's `keelway up` when "
            "absent.",
            autocompletion=complete_targets,
        ),
    ] = None,
    *,
    name: ComposeName = None,
    files: RunningFiles = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether every service is well.

    Those of `keelway up`, or those on the hosts of deploy targets. Ends with code 1 when one is
    not: unhealthy, still starting, restarting, ended with an error, or
    gone; or a host that cannot be reached. One without a health check is well while it runs; one
    that has ended well is well too.
    """
    if targets:
        from keelway._cli.target_health import show_targets  # noqa: PLC0415 -- help starts at once

        show_targets(targets, config, as_json=as_json)
        return
    from keelway._cli.health_view import show_health  # noqa: PLC0415 -- help starts at once

    show_health(name, files or (), as_json=as_json)
