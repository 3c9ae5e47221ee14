"""`keelway retention`: what registries keep."""

from pathlib import Path
from typing import Annotated

import typer

from keelway._cli.completing import complete_image
from keelway._cli.options import AsJson, ConfigFile

Histories = Annotated[
    list[Path] | None,
    typer.Option(
        "--history",
        metavar="FILE",
        help="A deployment_history.log, or what `keelway history --json` printed: what runs and "
        "what a rollback needs is kept. May be given several times.",
    ),
]
KeepLists = Annotated[
    list[Path] | None,
    typer.Option(
        "--keep-list",
        metavar="FILE",
        help="Images that are kept, one a line, by digest or tag. May be given several times.",
    ),
]

retention_app = typer.Typer(
    help="Plan which published images go, and delete them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@retention_app.command("plan")
def plan(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help="Only these images of the configuration.",
            autocompletion=complete_image,
        ),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the plan to this file."),
    ] = None,
    histories: Histories = None,
    keep_lists: KeepLists = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell which images would go by [retention], and why; nothing is deleted.

    The plan is TOML: read it, take out what shall stay, and give it to `keelway retention apply`.
    """
    from keelway._cli.retaining import Keeping, show_plan  # noqa: PLC0415 -- help starts at once

    keeping = Keeping(histories=tuple(histories or ()), lists=tuple(keep_lists or ()))
    show_plan(tuple(images or ()), keeping, config, out, as_json=as_json)


@retention_app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The plan.")],
    *,
    result: Annotated[
        Path | None,
        typer.Option(
            "--result",
            metavar="FILE",
            help="Where it is written what was deleted and what not; beside the plan when absent.",
        ),
    ] = None,
    histories: Histories = None,
    keep_lists: KeepLists = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete what a plan lists, unless something needs it by now.

    Before anything is deleted, and again before each deletion, the registry is looked at. What
    fails is noted, the rest is done; the same plan may be applied again.
    """
    from keelway._cli.retaining import Keeping, carry_out  # noqa: PLC0415 -- help starts at once

    keeping = Keeping(histories=tuple(histories or ()), lists=tuple(keep_lists or ()))
    carry_out(file, result, keeping, config, as_json=as_json)
