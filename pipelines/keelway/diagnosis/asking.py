"""Programs asked about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 120.0


async def ask(*command: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a program and return its exit code and all that it wrote, results first.

    Raises:
        OSError: It cannot be started, or does not end.
    """
    with anyio.move_on_after(LONGEST_S):
        done = await anyio.run_process(command, check=False, env=environ, input=b"")
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")
    raise OSError(f"{command[0]} did not end within {LONGEST_S:g} s")
