"""`COPY` and `ADD`, read from their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.flags import Flags, Known
from keelway.dockerfile.heredocs import parse_heredoc
from keelway.dockerfile.instructions import Add, Copy, Heredoc
from keelway.dockerfile.words import blank_separated, exec_form

if TYPE_CHECKING:
    from keelway.dockerfile.statement import Reading

_COPY = Known(
    texts=frozenset({"chown", "chmod", "from"}),
    booleans=frozenset({"link", "parents"}),
    lists=frozenset({"exclude"}),
)
_ADD = Known(
    texts=frozenset({"chown", "chmod", "checksum"}),
    booleans=frozenset({"link", "keep-git-dir", "unpack"}),
    lists=frozenset({"exclude"}),
)


class _Paths(TypedDict):
    sources: tuple[str, ...]
    dest: str
    heredocs: tuple[Heredoc, ...]
    chown: str
    chmod: str
    link: bool
    exclude: tuple[str, ...]


def read_copy(reading: Reading) -> Copy:
    """Return a `COPY`.

    Raises:
        SyntaxProblem: The line is no `COPY`.
    """
    flags = reading.flags(_COPY)
    from_ = flags.text("from")
    if "$" in from_:
        raise SyntaxProblem(
            f"'--from={from_}' doesn't support variable expansion, define alias stage instead"
        )
    return Copy(
        from_=from_,
        parents=flags.is_set("parents"),
        **_paths(reading, flags),
        **reading.placed,
    )


def read_add(reading: Reading) -> Add:
    """Return an `ADD`.

    Raises:
        SyntaxProblem: The line is no `ADD`.
    """
    flags = reading.flags(_ADD)
    return Add(
        keep_git_dir=flags.is_set("keep-git-dir"),
        checksum=flags.text("checksum"),
        unpack=flags.booleans.get("unpack"),
        **_paths(reading, flags),
        **reading.placed,
    )


def _paths(reading: Reading, flags: Flags) -> _Paths:
    found = exec_form(reading.rest)
    words = list(found) if found is not None else blank_separated(reading.rest)
    if len(words) < 2:  # noqa: PLR2004 - a source and a destination
        raise SyntaxProblem(
            f"{reading.name} requires at least two arguments, but only {len(words)} were provided."
            " Destination could not be determined"
        )
    *sources, dest = words
    if found is None and parse_heredoc(dest) is not None:
        raise SyntaxProblem(f"{reading.name} cannot accept a heredoc as a destination")
    return _Paths(
        sources=tuple(word for word in sources if not _is_heredoc(word, reading)),
        dest=dest,
        heredocs=reading.heredocs,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.is_set("link"),
        exclude=flags.many("exclude"),
    )


def _is_heredoc(word: str, reading: Reading) -> bool:
    return bool(reading.heredocs) and parse_heredoc(word) is not None
