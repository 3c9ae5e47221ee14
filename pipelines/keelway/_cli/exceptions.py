"""`keelway exceptions`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keelway._cli.options import ConfigFile


class ExceptionFormat(StrEnum):
    """Whose file it is."""

    TRIVYIGNORE = "trivyignore"
    GRYPE = "grype"
    OPENVEX = "openvex"


class Action(StrEnum):
    """What is done with exceptions."""

    LIST = "list"
    EXPORT = "export"
    IMPORT = "import"


def exceptions(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    file: Annotated[
        Path | None, typer.Argument(help="The file to import, of Trivy, Grype or OpenVEX.")
    ] = None,
    *,
    config: ConfigFile = None,
    form: Annotated[
        ExceptionFormat | None,
        typer.Option("--format", help="Whose file to write, or to read; told by its content."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Who answers for what is imported.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="DATE", help="Last day of what is imported without one."),
    ] = None,
) -> None:
    """List exceptions, and exchange them with other tools.

    What is imported is printed for keelway-exceptions.toml; what another tool's file does not tell,
    an owner and a last day, is left to complete.
    """
    from keelway._cli.excepting import (  # noqa: PLC0415 -- help starts at once
        export_exceptions,
        import_exceptions,
        list_exceptions,
    )

    if action is Action.LIST:
        list_exceptions(config)
    elif action is Action.EXPORT:
        export_exceptions(config, form)
    else:
        import_exceptions(file, form, owner=owner, expires=expires)
