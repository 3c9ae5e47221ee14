"""`keelway promotions`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published
from keelway._cli.options import AsJson, ConfigFile


def promotions(
    image: Annotated[
        str,
        typer.Argument(
            help="The image, by tag or digest; or the name of a configured one.",
            autocompletion=complete_published,
        ),
    ],
    *,
    config: ConfigFile = None,
    key: Annotated[
        str | None, typer.Option("--key", help="File of the public key that signed the records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where an image was promoted to: who, when, from where.

    Records whose signature is good by the configuration, or by --key, are marked as signed. No
    engine is needed.
    """
    from keelway._cli.promotions_view import show_records  # noqa: PLC0415 -- help starts at once

    show_records(image, config, key, as_json=as_json)
