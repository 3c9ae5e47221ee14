"""`keelway report`."""

from pathlib import Path
from typing import Annotated

import typer

from keelway.report.forms import Form


def report(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="report.json, or the directory that holds it; the configured one when absent."
        ),
    ] = None,
    *,
    forms: Annotated[
        list[Form] | None,
        typer.Option(
            "--format",
            "-f",
            help="What to make of it, once or several times; all when absent.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIRECTORY",
            help="Where the files go: beside the report when absent, `-` for standard output.",
        ),
    ] = None,
) -> None:
    """Make the pages of a finished run again.

    HTML, Markdown, JUnit and badges are made of report.json alone, so a report can be kept, moved,
    and looked at elsewhere. Links to logs and full reports work where those are beside it.
    """
    from keelway._cli.reporting import make_pages  # noqa: PLC0415 -- help starts at once

    make_pages(path, forms, to)
