"""The program `keelway`.

Asking for the plan is what people do most, and it must answer at once: written in its shortest
forms it is not worth loading what parses command lines, which takes as long as the planning.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from keelway._cli import env
from keelway._sdk import without_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

GARBAGE_THRESHOLD = 50_000


def main() -> int:
    """Run the command line and return the exit code."""
    # Starting makes many objects and little garbage: looking for it early costs a tenth of `plan`.
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 50)
    env.without_plugins()
    # httpx has a command line of its own, which loads what highlights what it prints.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # as importing allows
    without_checks(traced=env.traced())
    try:
        _run(sys.argv[1:])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def _run(words: Sequence[str]) -> None:
    as_json = words[-1:] == ["--json"]
    match words[:-1] if as_json else words:
        case ["plan"]:
            _plan(None, as_json=as_json)
        case ["plan", "--since" | "--changed-since", since] if not since.startswith("-"):
            _plan(since, as_json=as_json)
        case _:
            from keelway._cli.app import program  # noqa: PLC0415 -- not for the plan

            program()(prog_name="keelway")


def _plan(since: str | None, *, as_json: bool) -> None:
    from keelway._cli.failing import exit_codes  # noqa: PLC0415 -- help starts at once

    with exit_codes():
        from keelway._cli.plan_view import show_plan  # noqa: PLC0415 -- likewise

        show_plan(None, changed_since=since, as_json=as_json)
