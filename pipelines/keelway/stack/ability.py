"""Whether an engine can run services that watch each other, asked before any of them is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._stage import Run, failures_of
from keelway.errors import StageError
from keelway.stack.supervise import BUSYBOX_PATH

if TYPE_CHECKING:
    import dagger


async def require_services(run: Run, busybox: dagger.File, *, nonce: str, stage: str) -> None:
    """Return when services can be supervised: their supervisor reads `/proc`.

    Args:
        run: The engine.
        busybox: The program that asks.
        nonce: A word of this run alone, so that no engine remembers what another one answered.
        stage: Which stage it is for, for errors.

    Raises:
        StageError: The engine shows commands no `/proc`, as in an unprivileged container.
    """
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    looking = run.dag.container().with_mounted_file(BUSYBOX_PATH, busybox)
    looking = looking.with_env_variable("KEELWAY_RUN", nonce)
    words = [BUSYBOX_PATH, "sh", "-c", "[ -r /proc/uptime ]"]
    with failures_of(stage, "asking the engine what it can do"):
        code = await looking.with_exec(words, expect=dagger.ReturnType.ANY).exit_code()
    if code != 0:
        raise StageError(
            "this engine cannot run the services of a compose project",
            stage=stage,
            why="it shows commands no /proc, as in a container without privileges",
            next_step="test where namespaces are allowed; `keelway release --no-tests` leaves the "
            "tests beside neighbours out, and says so",
        )
