r"""Markdown made of texts that others wrote: escaped, and cut between rows.

Example:
    >>> cell("a|b <script>")
    'a\\|b &lt;script&gt;'
    >>> Block(title="Tags", rows=("- one\n", "- two\n")).filled(6)
    ('### Tags\n\n- one\n\n1 more left out here; report.json has all of it.\n', 6)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.report.junit import clean

_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_FENCE = re.compile("`{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading with rows below it, of which any number from the end may be left out."""

    title: str
    """Escaped, without its `###`; nothing where the rows go on with what is above."""
    rows: tuple[str, ...] = ()
    """Each with its last newline."""
    head: str = ""
    """What stands before the rows in any case: a sentence, the head of a table."""
    fold: str = ""
    """What to click on to see the rows; nothing where they are seen anyway."""

    @property
    def least_bytes(self) -> int:
        """Return how large it is without any row, and with a count of them."""
        return len(self._text("", len(self.rows)).encode())

    @property
    def row_bytes(self) -> int:
        """Return how large all its rows are."""
        return sum(len(row.encode()) for row in self.rows)

    def filled(self, room: int) -> tuple[str, int]:
        """Return the block with as many rows as fit into so many bytes, and what those take."""
        kept: list[str] = []
        used = 0
        for row in self.rows:
            size = len(row.encode())
            if used + size > room:
                break
            kept.append(row)
            used += size
        return self._text("".join(kept), len(self.rows) - len(kept)), used

    def _text(self, rows: str, left_out: int) -> str:
        heading = f"### {self.title}\n\n" if self.title else ""
        cut = f"\n{left_out:,} more left out here; report.json has all of it.\n" if left_out else ""
        body = f"{self.head}{rows}{cut}"
        if self.fold:
            body = f"<details><summary>{self.fold}</summary>\n\n{body}\n</details>\n"
        return f"{heading}{body}"


def cell(text: object) -> str:
    """Return a text for a sentence or a cell of a table: one line, nothing of it is markup."""
    line = " ".join(clean(str(text)).split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", escaped)


def code(text: str) -> str:
    """Return a text as code within a line or a cell.

    >>> code("a `b` | c")
    '<code>a &#96;b&#96; &#124; c</code>'
    """
    line = " ".join(clean(text).split())
    for one in "&<>`|*_[]~\\":
        line = line.replace(one, f"\0{ord(one)};")
    return f"<code>{line.replace(chr(0), '&#')}</code>" if line else ""


def fenced(text: str, language: str = "text") -> str:
    """Return lines of output as they are, in a fence that is longer than any of theirs."""
    lines = clean(text).rstrip()
    longest = max((len(found) for found in _FENCE.findall(lines)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{lines}\n{fence}\n"


def row(*cells: str) -> str:
    """Return a row of a table, its cells escaped already."""
    return f"| {' | '.join(cells)} |\n"


def columns(*names: str) -> str:
    """Return the head of a table."""
    return row(*names) + row(*("---" for _ in names))
