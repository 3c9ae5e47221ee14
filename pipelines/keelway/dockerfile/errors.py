"""What can be wrong with a Dockerfile, told with the line and the source around it."""

from __future__ import annotations

from dataclasses import dataclass

_AROUND = 2
"""Lines shown before and after the ones an error is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The lines of an instruction, counted from 1; heredocs are part of it."""

    line: int
    end_line: int


class SyntaxProblem(Exception):  # noqa: N818 - becomes a DockerfileError where the line is known
    """Something that is wrong in a piece of text, before anybody knows where the piece stands."""


class DockerfileError(Exception):
    """Something wrong with a Dockerfile; the text names file and line and quotes the source."""

    def __init__(self, reason: str, *, source: Source, location: Location) -> None:
        """Keep the parts, for callers that show them in their own way."""
        self.reason = reason
        self.name = source.name
        self.location = location
        self.excerpt = source.excerpt(location)
        place = f"{source.name}:{location.line}"
        super().__init__(f"{place}: {reason}\n{self.excerpt}" if self.excerpt else reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of a Dockerfile and the name it goes by in messages."""

    text: str
    name: str = "Dockerfile"

    def lines(self) -> list[str]:
        """Return the lines without their ends; a byte order mark is no part of the first."""
        found = self.text.removeprefix("\ufeff").split("\n")
        return [line.removesuffix("\r") for line in found]

    def excerpt(self, location: Location) -> str:
        """Return the source around a place, the lines that it is about marked with `>>>`."""
        lines = self.lines()
        if lines and not lines[-1]:
            lines.pop()
        first = max(1, location.line - _AROUND)
        last = min(len(lines), location.end_line + _AROUND)
        width = len(str(last))
        shown: list[str] = []
        for number in range(first, last + 1):
            marked = location.line <= number <= location.end_line
            mark = ">>>" if marked else "   "
            shown.append(f"{number:>{width + 2}} | {mark} {lines[number - 1]}".rstrip())
        return "\n".join(shown)

    def error(self, reason: str, location: Location) -> DockerfileError:
        """Return the error to raise for something wrong at a place."""
        return DockerfileError(reason, source=self, location=location)
