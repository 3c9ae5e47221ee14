"""What the store holds, and making room in it.

Both look from inside the sandbox: an ordinary user's layers belong to ids that only mean
something in there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keelway.engine.policy import (
    OFF,
    Policy,
    default_policy,
    describe,
    disk_size,
    read_policy,
    with_spaces,
)
from keelway.engine.run.enter import enter_sandbox
from keelway.engine.sizes import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.run.enter import Sandbox
    from keelway.engine.settings import Settings
    from keelway.engine.store.usage import Part

_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may stay, as it was written; None where nothing was."""

    everything: bool
    max_used: str | None
    min_free: str | None

    def policy(self, root: Path, gc: str) -> Policy:
        """Return the policy that this means for a store whose own budget `gc` says.

        Raises:
            EngineError: a size was written that means nothing.
        """
        if self.everything:
            return Policy()
        disk = disk_size(root)
        sizes = {"maxUsedSpace": self.max_used, "minFreeSpace": self.min_free}
        if given := {name: text for name, text in sizes.items() if text is not None}:
            return with_spaces(Policy(), given, disk=disk)
        return read_policy("" if gc == OFF else gc, disk=disk) or default_policy(root)


def du(settings: Settings) -> int:
    """Write what the store holds, the least recently used first, and return the exit code."""

    def child(_sandbox: Sandbox) -> int:
        from keelway.engine.store.store import Store  # noqa: PLC0415 - inside the sandbox

        with Store.open(settings.store) as store:
            parts = store.du()
        sys.stdout.write("".join(f"{_line(part)}\n" for part in parts))
        total = sum(part.size for part in parts)
        sys.stdout.write(f"{show_size(total):>10}  in {len(parts)} parts of {settings.store}\n")
        sys.stdout.write(f"{'budget':>10}  {describe(settings.gc, settings.store)}\n")
        return 0

    settings.check_store()
    return enter_sandbox(child)


def prune(settings: Settings, budget: Budget) -> int:
    """Remove what a budget has no room for, say how much that was, and return the exit code."""

    def child(_sandbox: Sandbox) -> int:
        from keelway.engine.store.store import Store  # noqa: PLC0415 - inside the sandbox

        with Store.open(settings.store) as store:
            freed = store.prune(budget.policy(settings.store, settings.gc))
        sys.stdout.write(
            f"freed {show_size(freed.size)} in {freed.parts} parts, kept {show_size(freed.kept)}\n"
        )
        return 0

    settings.check_store()
    return enter_sandbox(child)


def _line(part: Part) -> str:
    used = datetime.fromtimestamp(part.used / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
    state = "in use" if part.active else ""
    text = part.description.strip().replace("\n", " ")
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    return f"{show_size(part.size):>10}  {used}  {part.kind:<16} {state:<6} {text}".rstrip()
