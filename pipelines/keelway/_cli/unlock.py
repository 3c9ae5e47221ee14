"""`keelway unlock`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_targets
from keelway._cli.options import ConfigFile


def unlock(
    target: Annotated[
        str, typer.Argument(help="A target under [deploy].", autocompletion=complete_targets)
    ],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")],
    config: ConfigFile = None,
) -> None:
    """Break the locks of a deployment that is dead.

    Whoever held them must be gone.
    A lock counts no more by itself when there was no sign of life for long.
    """
    from keelway._cli.deploying import Asked, show_unlocking  # noqa: PLC0415 -- help starts at once

    show_unlocking(Asked(targets=(target,), reason=reason), config)
