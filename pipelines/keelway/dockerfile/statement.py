"""One statement on its way to an instruction: its name, its flags and the rest of its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.flags import Flags, Known, parse_flags
from keelway.dockerfile.words import keyword, split_flags

if TYPE_CHECKING:
    from keelway.dockerfile.errors import Location
    from keelway.dockerfile.instructions import Heredoc
    from keelway.dockerfile.lex import Statement


class Placed(TypedDict):
    """What every instruction says of its place."""

    location: Location
    text: str
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A statement taken apart."""

    name: str
    """The instruction's, in upper case."""
    flag_words: tuple[str, ...]
    rest: str
    """What follows the flags."""
    escape: str
    placed: Placed
    heredocs: tuple[Heredoc, ...]

    @classmethod
    def of(cls, statement: Statement, escape: str) -> Reading:
        """Return a statement taken apart.

        Raises:
            SyntaxProblem: A flag has a quote that is not closed.
        """
        name, rest = keyword(statement.text)
        flags, rest = split_flags(rest)
        return cls(
            name=name,
            flag_words=tuple(flags),
            rest=rest,
            escape=escape,
            placed=Placed(
                location=statement.location,
                text=statement.text.strip(),
                comments=statement.comments,
            ),
            heredocs=statement.heredocs,
        )

    def flags(self, known: Known | None = None) -> Flags:
        """Return the flags.

        Raises:
            SyntaxProblem: The instruction has no such flag, or the value is none.
        """
        return parse_flags(self.flag_words, known or Known())

    def one_argument(self) -> str:
        """Return the whole rest as the only argument, which must be there.

        Raises:
            SyntaxProblem: There is none, or there are flags.
        """
        self.flags()
        if not self.rest:
            raise SyntaxProblem(f"{self.name} requires exactly one argument")
        return self.rest
