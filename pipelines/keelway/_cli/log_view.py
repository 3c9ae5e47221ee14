"""Lines that services wrote, each with the service's name in front, in its colour."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from keelway._cli import env, output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.develop.log import Entry

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""As ECMA-48 numbers them; the order is that of Compose's own."""


class LineView:
    """How lines are shown on standard output."""

    def __init__(self, services: Iterable[str], *, with_times: bool = False) -> None:
        """Give each service a colour, where standard output is a terminal that has some."""
        names = list(services)
        self._width = max((len(name) for name in names), default=0)
        self._with_times = with_times
        coloured = env.wants_colour(is_terminal=sys.stdout.isatty())
        self._colours = (
            {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
            if coloured
            else {}
        )

    def show(self, entry: Entry) -> None:
        """Show a line."""
        output.result(self.line(entry))

    def line(self, entry: Entry) -> str:
        """Return a line as it is shown."""
        front = f"{entry.service:<{self._width}} |"
        colour = self._colours.get(entry.service)
        if colour is not None:
            front = f"\x1b[{colour}m{front}\x1b[0m"
        time = f"{entry.time} " if self._with_times else ""
        return f"{front} {time}{entry.text}"
