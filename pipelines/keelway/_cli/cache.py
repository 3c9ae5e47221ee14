"""`keelway cache`: the local engine's cache, moved by itself."""

from typing import Annotated

import typer

from keelway._cli.options import AsJson, ConfigFile, Engine
from keelway.model.engine_choice import EngineChoice

Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PLACE]...",
        help="A folder, REGISTRY/REPOSITORY:TAG, type=registry,ref=REFERENCE, "
        "type=local,src=FOLDER or type=local,dest=FOLDER; those of [cache] when absent.",
    ),
]

cache_app = typer.Typer(
    help="Move what the local engine made to and from other machines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cache_app.command("export")
def export(
    places: Places = None,
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    as_json: AsJson = False,
) -> None:
    """Put the cache into folders or registries, as far as this project used it.

    What is there already is not written or sent again. Where [cache] has a key, it is signed.
    """
    from keelway._cli.moving import show_puts  # noqa: PLC0415 -- help starts at once

    show_puts(places or (), config, engine, as_json=as_json)


@cache_app.command("import")
def import_(
    places: Places = None,
    *,
    config: ConfigFile = None,
    engine: Engine = EngineChoice.AUTO,
    as_json: AsJson = False,
) -> None:
    """Take caches over from folders or registries.

    Where [cache] has a key, only what it signed is believed. What is damaged is refused, told, and
    made again when it is needed.
    """
    from keelway._cli.moving import show_takes  # noqa: PLC0415 -- help starts at once

    show_takes(places or (), config, engine, as_json=as_json)
