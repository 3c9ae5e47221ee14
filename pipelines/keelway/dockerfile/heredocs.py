"""Here-documents: which ones an instruction's line announces."""

from __future__ import annotations

import re

from keelway.dockerfile.expand import Expander
from keelway.dockerfile.instructions import Heredoc
from keelway.dockerfile.words import exec_form, keyword, quoted_words, split_flags

_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]*)\Z")
_WITH_HEREDOCS = {"ADD", "COPY", "RUN"}


def parse_heredoc(word: str) -> Heredoc | None:
    """Return the heredoc that a word announces, still empty; None for any other word.

    Raises:
        SyntaxProblem: A quote in the name is not closed.
    """
    match = _HEREDOC.match(word)
    if match is None:
        return None
    descriptor, dash, rest = match.groups()
    words = Expander({}).words(rest)
    if len(words) != 1:
        return None
    name = words[0]
    return Heredoc(
        name=name, content="", expand=name == rest, strip_tabs=bool(dash), descriptor=descriptor
    )


def heredocs_of(line: str, escape: str) -> list[Heredoc]:
    """Return the heredocs that an instruction's line announces, in order, still empty.

    Raises:
        SyntaxProblem: A flag in front of the command has no end.
    """
    if "<<" not in line:
        return []
    name, rest = keyword(line)
    if name == "ONBUILD":
        name, rest = keyword(rest)
    if name not in _WITH_HEREDOCS:
        return []
    _, rest = split_flags(rest)
    if exec_form(rest) is not None:
        return []
    found: list[Heredoc] = []
    for word in quoted_words(rest, escape):
        heredoc = parse_heredoc(word)
        if heredoc is not None:
            found.append(heredoc)
    return found


def chosen_text(heredoc: Heredoc, line: str) -> str:
    """Return a line as it is compared with the heredoc's name."""
    return line.lstrip("\t") if heredoc.strip_tabs else line
