"""Names as a command line has them, and what was probably meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEPARATORS = " _-."


def kebab(name: str) -> str:
    """Return a name as Dagger's command line spells it.

    A border is where the case changes and around numbers, as in the Go package strcase, which
    Dagger's command line uses.

    >>> kebab("with_secret"), kebab("dockerConfig"), kebab("HTTPServer"), kebab("sha256_of")
    ('with-secret', 'docker-config', 'http-server', 'sha-256-of')
    """
    written: list[str] = []
    for place, letter in enumerate(name):
        before = name[place - 1] if place else ""
        after = name[place + 1] if place + 1 < len(name) else ""
        if letter in _SEPARATORS:
            written.append("-")
            continue
        ends_acronym = letter.isupper() and before.isupper() and after.islower()
        begins = before and before not in _SEPARATORS and (
            ends_acronym
            or (before.islower() and letter.isupper())
            or (before.isdigit() != letter.isdigit())
        )  # fmt: skip
        written.append(f"-{letter.lower()}" if begins else letter.lower())
    return "".join(written)


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return what was probably meant, if anything is near enough."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
