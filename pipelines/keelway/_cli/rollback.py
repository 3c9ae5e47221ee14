"""`keelway rollback`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_targets
from keelway._cli.deploy import LockWait, Now, Reason
from keelway._cli.options import AsJson, ConfigFile, Progress
from keelway.model.progress_form import ProgressForm


def rollback(  # noqa: PLR0913 - a command has the options that it has
    target: Annotated[
        str, typer.Argument(help="A target under [deploy].", autocompletion=complete_targets)
    ],
    *,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="VERSION", help="A version that is kept; else the one before."
        ),
    ] = None,
    config: ConfigFile = None,
    now: Now = False,
    reason: Reason = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go back behind a frozen release too; needs --reason.")
    ] = False,
    lock_wait: LockWait = 0,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Take a target back to a release that it keeps.

    That is image, configuration and proxy, on all of its hosts.
    What a deployment that was cut off left behind is undone first.
    """
    from keelway._cli.deploying import Asked, show_rollback  # noqa: PLC0415 -- help starts at once

    asked = Asked(
        targets=(target,),
        reason=reason,
        force=force,
        run_analysis=not now,
        lock_wait_s=lock_wait,
    )
    show_rollback(to, asked, config, progress, as_json=as_json)
