"""`keelway ps`."""

from keelway._cli.compose import ComposeName
from keelway._cli.logs import RunningFiles
from keelway._cli.options import AsJson


def ps(*, name: ComposeName = None, files: RunningFiles = None, as_json: AsJson = False) -> None:
    """Show the services of `keelway up`: state, health, ports."""
    from keelway._cli.running_view import show_services  # noqa: PLC0415 -- help starts at once

    show_services(name, files or (), as_json=as_json)
