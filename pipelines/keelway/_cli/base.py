"""`keelway base`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keelway._cli import output
from keelway._cli.completing import complete_base
from keelway._cli.env import environment, terminal_form
from keelway._cli.options import ConfigFile, Engine, Progress
from keelway.model.engine_choice import EngineChoice
from keelway.model.progress_form import ProgressForm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.bases import BasesRun

_MEGA = 1_000_000


def base(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Which base images of the configuration; all when absent.",
            autocompletion=complete_base,
        ),
    ] = None,
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    progress: Progress = ProgressForm.AUTO,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Make them although nothing changed, for newer packages."),
    ] = False,
) -> None:
    """Make base images, publish them, and pin them.

    They are made out of a distribution's packages, and pinned by digest in `keelway.lock`.
    """
    import anyio  # noqa: PLC0415 -- help starts at once
    from rich.console import Console  # noqa: PLC0415 -- help starts at once

    from keelway.bases import Wanted, update_bases  # noqa: PLC0415 -- help starts at once
    from keelway.config import load_config  # noqa: PLC0415 -- help starts at once
    from keelway.facts import gather_facts  # noqa: PLC0415 -- help starts at once
    from keelway.report.terminal import open_terminal  # noqa: PLC0415 -- help starts at once

    environ = environment()
    loaded = load_config(Path.cwd(), config)
    facts = gather_facts(loaded, environ, {"mmdebstrap"}, compose=False)
    with open_terminal(Console(stderr=True), terminal_form(progress)) as observer:
        done = anyio.run(
            partial(
                update_bases,
                loaded,
                facts,
                environ,
                Wanted(names=tuple(names or ()), again=refresh, engine=engine),
                observer=observer,
            )
        )
    output.result("\n".join(_lines(done)))


def _lines(done: "BasesRun") -> "Iterator[str]":
    for name, reference in sorted(done.unchanged.items()):
        yield f"{name}: unchanged, nothing to do: {reference}"
    for image in sorted(done.made, key=lambda image: image.name):
        sizes = ", ".join(
            f"{variant.platform} {variant.packed_bytes / _MEGA:.1f} MB packed, "
            f"{variant.content_bytes / _MEGA:.0f} MB of files"
            for variant in image.variants
        )
        yield f"{image.name}: made: {image.reference} ({sizes})"
