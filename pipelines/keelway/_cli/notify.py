"""`keelway notify`."""

from typing import Annotated

import typer

from keelway._cli.options import AsJson, ConfigFile


def notify(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only this channel; all of [[notify]] when absent."),
    ] = None,
    *,
    test: Annotated[
        bool, typer.Option("--test", help="Send a message that says that it is a test.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who is told of what, or send each of them a test.

    The test ends with code 5 when one of them was not told.
    """
    from keelway._cli.notifying import send_test, show_channels  # noqa: PLC0415 -- help starts at once

    if test:
        send_test(config, name, as_json=as_json)
    else:
        show_channels(config, name, as_json=as_json)
