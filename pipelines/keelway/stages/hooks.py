"""The user's own commands before and after a release, a promotion, a deployment, a rollback.

Those before may stop it; those after never fail what is done already.

Example:
    >>> from keelway.config import Config, ImageConfig, ProjectConfig
    >>> from keelway.facts import Facts
    >>> config = Config(project=ProjectConfig(name="shop"), images={"orders": ImageConfig()})
    >>> plan_hooks(config, Facts())
    Skipped(reason='there are no [[hooks]]')
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from keelway.model.history import DeliveryEvent
from keelway.model.outcome import Skipped, Status
from keelway.notify.hooks import Hook, HooksSpec, run_hook

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.config.hooks import HookConfig
    from keelway.facts import Facts
    from keelway.model.history import HistoryEntry
    from keelway.notify.telling import Speaker

STAGE = "hooks"


def plan_hooks(config: Config, facts: Facts) -> HooksSpec | Skipped:
    """Return the commands, or why none is run."""
    if not config.hooks:
        return Skipped("there are no [[hooks]]")
    if facts.untrusted is not None:
        return Skipped(facts.untrusted)
    return HooksSpec(hooks=tuple(_plan(one) for one in config.hooks), folder=facts.root)


async def run_hooks(
    run: Speaker, spec: HooksSpec | Skipped, entry: HistoryEntry, *, before: bool
) -> None:
    """Run what is to be run before, or after, what an entry tells; one after the other.

    Args:
        run: The run, or whoever has its observer and its clock.
        spec: The commands.
        entry: What is about to happen, or has happened.
        before: Which of the two.

    Raises:
        ToolError: One that may stop it failed.
    """
    from keelway.model.events import StageEnded, StageStarted  # noqa: PLC0415 - not for a plan

    hooks = () if isinstance(spec, Skipped) else spec.hooks
    wanted = [hook for hook in hooks if hook.wants(entry, before=before)]
    if isinstance(spec, Skipped) or not wanted:
        return
    started, status = time.monotonic(), Status.CANCELLED
    error: Exception | None = None
    run.observer.on(StageStarted(stage=STAGE, at=run.clock.now()))
    try:
        for hook in wanted:
            await run_hook(run, hook, entry, spec.folder)
        status = Status.OK
    except Exception as failure:
        status, error = Status.FAILED, failure
        raise
    finally:
        run.observer.on(
            StageEnded(
                stage=STAGE,
                at=run.clock.now(),
                seconds=time.monotonic() - started,
                status=status,
                error=error,
            )
        )


def _plan(written: HookConfig) -> Hook:
    when, _, event = written.when.partition("-")
    return Hook(
        name=written.name or written.when,
        before=when == "before",
        event=DeliveryEvent(event),
        command=written.command,
        environments=written.environments,
        timeout_s=written.timeout_s,
        fails=written.fails or ("stop" if when == "before" else "tell"),
        variables=written.variables,
    )
