"""`keelway call`."""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from keelway._cli.completing import complete_call


class CallCommand(TyperCommand):
    """The command whose options are its words: what begins with a dash is completed as they are."""

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what the word may become."""
        return self.params[0].shell_complete(ctx, incomplete)


def call(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FUNCTION [ARGUMENTS]]...",
            help="A function with its arguments, then a function of what it gives, and so on; "
            "`keelway call FUNCTION --help` tells of each.",
            autocompletion=complete_call,
        ),
    ] = None,
) -> None:
    """Call a Dagger module's functions, as `dagger call` does.

    They run on any engine. The module is `-m FOLDER`, else the folder ci, else keelway's own.
    Further options: `-o PATH` saves what a function gives, `--json` prints it as data, `--engine`
    and `--progress` are those of the other commands, `--help` tells of functions and arguments.
    """
    from keelway._cli.calling import show_call  # noqa: PLC0415 -- help starts at once

    show_call(words or [])
