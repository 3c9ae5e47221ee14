r"""Patterns of Rust's `regex`, which ripgrep takes, as Python writes them.

>>> translated(r"[[:digit:]]\z")
'[0-9]\\Z'
"""

from __future__ import annotations

import re

from keelway.engine.errors import EngineError
from keelway.engine.solve.unicode_classes import unicode_class

_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "0-9A-Za-z",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\t\n\v\f\r ",
    "blank": r"\t ",
    "word": r"0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
}
_RUST = re.compile(
    r"\\(?:x\{(?P<hex>[0-9A-Fa-f]+)\}|(?P<sign>[pP])(?:\{(?P<name>[^}]*)\}|(?P<letter>\w))|.)"
    r"|\[:(?P<posix>\w+):\]|\[\^?\]?|\]",
    re.DOTALL,
)
"""What may be written otherwise: escapes, classes, and where `[...]` begins and ends."""


def translated(pattern: str) -> str:
    """Return a pattern of Rust's as Python writes it.

    Raises:
        EngineError: It names a property that Unicode does not have.
    """
    inside = False

    def one(found: re.Match[str]) -> str:
        nonlocal inside
        text = found[0]
        if found["hex"]:
            return re.escape(chr(int(found["hex"], 16)))
        if found["sign"]:
            members = _property(found)
            return members if inside else f"[{members}]"
        if found["posix"]:
            return _POSIX.get(found["posix"], text)
        if not text.startswith("\\"):
            inside = text != "]"
        return r"\Z" if text == r"\z" else text

    return _RUST.sub(one, pattern)


def _property(found: re.Match[str]) -> str:
    name = found["letter"] or found["name"]
    try:
        return unicode_class(name, negated=found["sign"] == "P")
    except KeyError:
        raise EngineError(f"regex parse error: {found[0]}: Unicode property not found") from None
