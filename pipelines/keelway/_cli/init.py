"""`keelway init`, and the group that has what else can be set up."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from keelway._cli.completing import complete_platform
from keelway._cli.init_ci import ci
from keelway._cli.monitoring import init_monitoring
from keelway._cli.options import AsJson


class InitGroup(TyperGroup):
    """A group whose bare call takes a folder: `init`, `init PATH`, and `init COMMAND`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Tell a folder from a command: what is called as a command is one."""
        first = next((index for index, word in enumerate(args) if not word.startswith("-")), None)
        if first is not None and args[first] in self.commands:
            # The folder that the command line leaves out.
            return super().parse_args(ctx, [*args[:first], ".", *args[first:]])
        # Nothing follows but a folder, so options may stand behind it too.
        ctx.allow_interspersed_args = True
        return super().parse_args(ctx, args)


init_app = typer.Typer(cls=InitGroup, rich_markup_mode=None)


@init_app.callback(invoke_without_command=True)
def init(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="The repository.", show_default=False)
    ] = Path(),
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a keelway.toml that says something else.")
    ] = False,
    stdout: Annotated[
        bool,
        typer.Option("--stdout", "--dry-run", help="Print the file, and write nothing."),
    ] = False,
    platforms: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="PLATFORM",
            help="Build for this one, repeatable; else for those that were found.",
            autocompletion=complete_platform,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at a repository, and write a keelway.toml for it.

    Dockerfiles, compose files, files of CIs, languages' own files and git's remote are looked at.
    Nothing is asked. A keelway.toml that says something else is left as it is, and the difference
    is shown.
    """
    if ctx.invoked_subcommand is not None:
        return
    from keelway._cli.initialising import Wanted, initialise  # noqa: PLC0415 -- help starts at once

    wanted = Wanted(force=force, stdout=stdout, as_json=as_json, platforms=tuple(platforms or ()))
    initialise(folder, wanted)


init_app.command("ci")(ci)
init_app.command("monitoring")(init_monitoring)
