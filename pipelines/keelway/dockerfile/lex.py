"""From the lines of a Dockerfile to its statements: directives, continuations, heredocs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from keelway.dockerfile.errors import Location, Source, SyntaxProblem
from keelway.dockerfile.heredocs import chosen_text, heredocs_of
from keelway.dockerfile.instructions import Heredoc

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_DIRECTIVES = {"syntax", "escape", "check"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """The parser directives at the top of a file; None where one was not given."""

    syntax: str | None = None
    """The front end's image, as in `# syntax=docker/dockerfile:1`."""
    escape: str = "\\"
    check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An instruction as one line, with its heredocs and the comments above it."""

    text: str
    location: Location
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a file consists of."""

    directives: Directives
    statements: tuple[Statement, ...]
    empty_continuations: tuple[int, ...] = ()
    """Lines inside a continued instruction that are empty: accepted, but a bad habit."""


def scan(source: Source) -> Scan:
    """Return the statements of a Dockerfile.

    Raises:
        DockerfileError: A directive is wrong or a heredoc has no end.
    """
    return _Scanner(source).run()


@dataclass(slots=True)
class _Scanner:
    source: Source
    at: int = 0
    directives: dict[str, str] = field(default_factory=dict)
    empty: list[int] = field(default_factory=list)
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.source.lines()

    def run(self) -> Scan:
        self._read_directives()
        statements: list[Statement] = []
        comments: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at].lstrip()
            if not line or line.startswith("#"):
                self.at += 1
                text = line[1:].strip()
                comments = [*comments, text] if text else []
                continue
            statement = self._statement(tuple(comments))
            comments = []
            if statement.text.strip():
                statements.append(statement)
        return Scan(
            directives=Directives(
                syntax=self.directives.get("syntax"),
                escape=self.directives.get("escape", "\\"),
                check=self.directives.get("check"),
            ),
            statements=tuple(statements),
            empty_continuations=tuple(self.empty),
        )

    def _read_directives(self) -> None:
        """Read directives until the first line that is none; they are comments from then on."""
        for number, line in enumerate(self.lines, start=1):
            match = _DIRECTIVE.match(line.strip())
            if match is None or match[1].lower() not in _DIRECTIVES:
                return
            name, value = match[1].lower(), match[2]
            here = Location(line=number, end_line=number)
            if name in self.directives:
                raise self.source.error(f"only one {name} parser directive can be used", here)
            if name == "escape" and value not in {"\\", "`"}:
                raise self.source.error(f"invalid escape token {value!r}: use \\ or `", here)
            self.directives[name] = value

    def _statement(self, comments: tuple[str, ...]) -> Statement:
        first = self.at + 1
        text = self._logical_line()
        try:
            wanted = heredocs_of(text, self.directives.get("escape", "\\"))
        except SyntaxProblem as problem:
            raise self.source.error(str(problem), self._since(first)) from None
        heredocs = tuple(self._heredoc(heredoc, first) for heredoc in wanted)
        return Statement(
            text=text, location=self._since(first), heredocs=heredocs, comments=comments
        )

    def _since(self, first: int) -> Location:
        return Location(line=first, end_line=max(first, self.at))

    def _logical_line(self) -> str:
        """Return a line with those that continue it; comments and empty lines among them go."""
        text, continued = self._continued(self.lines[self.at].lstrip())
        self.at += 1
        while continued and self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            bare = line.strip()
            if bare.startswith("#"):
                continue
            if not bare:
                if self.at < len(self.lines):
                    self.empty.append(self.at)
                continue
            more, continued = self._continued(line)
            text += more
        return text

    def _continued(self, line: str) -> tuple[str, bool]:
        """Return the line without its escape at the end, and whether there was one."""
        escape = self.directives.get("escape", "\\")
        bare = line.rstrip(" \t")
        if bare.endswith(escape) and not bare.endswith(escape * 2):
            return bare[:-1], True
        return line, False

    def _heredoc(self, heredoc: Heredoc, first: int) -> Heredoc:
        content: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if chosen_text(heredoc, line) == heredoc.name:
                return Heredoc(
                    name=heredoc.name,
                    content="".join(content),
                    expand=heredoc.expand,
                    strip_tabs=heredoc.strip_tabs,
                    descriptor=heredoc.descriptor,
                )
            content.append(line + "\n")
        here = Location(line=first, end_line=first)
        raise self.source.error(f"unterminated heredoc: no line is {heredoc.name!r}", here)
