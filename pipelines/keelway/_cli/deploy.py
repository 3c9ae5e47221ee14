"""`keelway deploy`."""

from typing import Annotated

import typer

from keelway._cli.completing import complete_published, complete_targets
from keelway._cli.options import AsJson, ConfigFile, Progress
from keelway.model.progress_form import ProgressForm

LockWait = Annotated[
    float,
    typer.Option(
        "--lock-wait", min=0, metavar="SECONDS", help="How long somebody else's lock is waited for."
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why it is done, for the history.")]
Now = Annotated[
    bool, typer.Option("--now", help="Skip the analysis of the version under its traffic.")
]


def deploy(  # noqa: PLR0913 - a command has the options that it has
    release: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE|VERSION...",
            help="A version of all images, or images by tag or digest.",
            autocompletion=complete_published,
        ),
    ],
    *,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="TARGET",
            help="A target under [deploy]; may be given several times.",
            autocompletion=complete_targets,
        ),
    ],
    config: ConfigFile = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            "--freeze",
            metavar="REASON",
            help="Nobody goes back behind this release unasked: it migrates a database.",
        ),
    ] = None,
    now: Now = False,
    lock_wait: LockWait = 0,
    reason: Reason = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Undo a frozen release that was cut off; needs --reason."),
    ] = False,
    progress: Progress = ProgressForm.AUTO,
    as_json: AsJson = False,
) -> None:
    """Bring a published release to its targets.

    Targets are hosts, a cluster, or a repository. Its evidence is verified first; what does not
    verify is refused with exit code 6. A version that fails leaves the old one serving (exit code
    7); where that is not so a person is needed (8).
    """
    from keelway._cli.deploying import Asked, show_deployment  # noqa: PLC0415 -- help starts at once

    asked = Asked(
        targets=tuple(to),
        freeze=freeze,
        reason=reason,
        force=force,
        run_analysis=not now,
        lock_wait_s=lock_wait,
    )
    show_deployment(release, asked, config, progress, as_json=as_json)
