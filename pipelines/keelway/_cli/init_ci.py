"""`keelway init ci`."""

from pathlib import Path
from typing import Annotated

import typer

from keelway._cli import output
from keelway._cli.completing import complete_ci
from keelway._cli.options import ConfigFile


def ci(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="github, gitlab, jenkins, circleci, azure, bitbucket, buildkite, woodpecker, "
            "drone; dependabot or renovate. That in use here when absent.",
            autocompletion=complete_ci,
        ),
    ] = None,
    *,
    config: ConfigFile = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that were changed by hand.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; end with 1 when a file is out of date."),
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="As --check, and show what would change.")
    ] = False,
) -> None:
    """Write pipelines for a CI, made from the configuration.

    What was changed by hand is never written over: its difference is shown, and the command ends
    with code 2.
    """
    from keelway._cli.init_ci_view import (  # noqa: PLC0415 -- help starts at once
        plan_files,
        tell_top,
        write_files,
    )

    root, proposals = plan_files(Path.cwd(), config, names or ())
    if check or diff:
        stale = [one for one in proposals if one.difference()]
        for one in stale:
            output.result(f"{one.path}: {one.state.value}")
            if diff:
                output.result(one.difference().rstrip("\n"))
        if stale:
            raise typer.Exit(1)
        return
    write_files(root, proposals, force=force)
    tell_top(root, Path.cwd())
