"""`keelway doctor`."""

import typer


def doctor() -> None:
    """Tell which engines and tools are here or missing.

    Says how to get those that are missing, and ends with code 1 when one that is needed is.
    """
    from keelway._cli.checks import check_all  # noqa: PLC0415 -- help starts at once

    if not check_all():
        raise typer.Exit(1)
