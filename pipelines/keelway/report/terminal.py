"""A run on the terminal: what works now, live, where somebody watches; plain lines elsewhere.

    with open_terminal(Console(stderr=True)) as observer:
        ...

Everything goes to the given console, so that standard output stays free for results.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live

from keelway.model.events import Event, Observer, Silent
from keelway.model.progress_form import ProgressForm
from keelway.report.groups import Groups, groups_of
from keelway.report.json_lines import JsonLines
from keelway.report.lines import Lines
from keelway.report.live_region import LiveRegion

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console
    from rich.text import Text


@contextmanager
def open_terminal(
    console: Console, form: ProgressForm, *, ci: str | None = None
) -> Generator[Observer]:
    """Give an observer that shows the run on this console until the block ends.

    Args:
        console: Where to.
        form: In which form; a live view is given only to a console that is a terminal.
        ci: The CI whose log this is, by its short name: plain lines are folded as it can.
    """
    match form:
        case ProgressForm.NONE:
            yield Silent()
        case ProgressForm.JSON:
            yield JsonLines(console.file)
        case ProgressForm.TTY | ProgressForm.AUTO if console.is_terminal:
            region = LiveRegion()
            with Live(region, console=console, refresh_per_second=8, transient=True) as live:
                yield _Both(_Log(live.console).lines(steps=False), region)
        case _:
            log = _Log(console)
            lines = log.lines(steps=True, groups=groups_of(ci, log.mark))
            try:
                yield lines
            finally:
                lines.close()


class _Log:
    """A console that lines are written to, none of them broken."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def lines(self, *, steps: bool, groups: Groups | None = None) -> Lines:
        """Return what writes the lines."""
        return Lines(self._tell, steps=steps, groups=groups)

    def _tell(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)

    def mark(self, marker: str) -> None:
        """Write what is for the CI: as it is, for a console would take its control codes away."""
        self._console.file.write(f"{marker}\n")
        self._console.file.flush()


class _Both:
    """The lines that stay and the region below them."""

    def __init__(self, lines: Lines, region: LiveRegion) -> None:
        self._lines, self._region = lines, region

    def on(self, event: Event) -> None:
        """Pass the event to both: first the region, so that no line is told of what it shows."""
        self._region.on(event)
        self._lines.on(event)
