"""`keelway faults`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_targets
from keelway._cli.deploy import LockWait
from keelway._cli.options import AsJson, ConfigFile, Progress
from keelway.model.progress_form import ProgressForm


def faults(
    target: Annotated[
        str, typer.Argument(help="A target under [deploy].", autocompletion=complete_targets)
    ],
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only these; may be given several times."),
    ] = None,
    config: ConfigFile = None,
    lock_wait: LockWait = 0,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Hurt what runs on a target's hosts, and see that it bears it.

    These are the experiments under `[[deploy.NAME.faults]]`: services are killed, stopped,
    restarted, paused or cut off, and are put right again in any case. What was not borne as it
    should be ends the command with exit code 1.
    """
    from keelway._cli.hurting import show_faults  # noqa: PLC0415 -- help starts at once

    show_faults(target, only or (), config, progress, lock_wait_s=lock_wait, as_json=as_json)
