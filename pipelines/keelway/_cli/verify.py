"""`keelway verify`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published
from keelway._cli.options import AsJson, ConfigFile


def verify(  # noqa: PLR0913 - a command has the options that it has
    image: Annotated[
        str,
        typer.Argument(help="The image, by tag or digest.", autocompletion=complete_published),
    ],
    *,
    config: ConfigFile = None,
    key: Annotated[
        str | None, typer.Option("--key", help="File of the public key that signed it.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option("--identity", help="Exact identity of a keyless signature.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", help="Exact OIDC issuer of a keyless signature.")
    ] = None,
    signature_only: Annotated[
        bool, typer.Option("--signature-only", help="Ask for a signature, and nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a published image: its signature and all its evidence.

    That is its signature, provenance, SBOMs, scan and verdict.
    What is asked stands under [sign] and [verify] of the configuration; options count before it.
    No engine is needed. An image that does not verify gives exit code 6.
    """
    from keelway._cli.verifying import Asked, show_verification  # noqa: PLC0415 -- help starts at once

    asked = Asked(key=key, identity=identity, issuer=issuer, signature_only=signature_only)
    show_verification(image, asked, config, as_json=as_json)
