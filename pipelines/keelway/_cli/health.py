"""`keelway health`."""

from keelway._cli.compose import ComposeName
from keelway._cli.logs import RunningFiles
from keelway._cli.options import AsJson


def health(
    *, name: ComposeName = None, files: RunningFiles = None, as_json: AsJson = False
) -> None:
    """Tell whether every service of `keelway up` is well.

    Ends with code 1 when one is not: unhealthy, still starting, restarting, ended with an error, or
    gone. One without a health check is well while it runs; one that has ended well is well too.
    """
    from keelway._cli.health_view import show_health  # noqa: PLC0415 -- help starts at once

    show_health(name, files or (), as_json=as_json)
