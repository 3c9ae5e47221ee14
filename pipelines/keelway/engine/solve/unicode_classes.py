r"""Unicode's properties as classes of characters, for patterns: what `\p{Lu}` stands for.

>>> unicode_class("ASCII_Hex_Digit")
'0-9A-Fa-f'

General categories come from Python's own tables, scripts from the names of characters.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_END: Final = 0x110000
_SURROGATES: Final = range(0xD800, 0xE000)
_CATEGORIES: Final = {
    "letter": "L",
    "casedletter": "LC",
    "uppercaseletter": "Lu",
    "lowercaseletter": "Ll",
    "titlecaseletter": "Lt",
    "modifierletter": "Lm",
    "otherletter": "Lo",
    "mark": "M",
    "combiningmark": "M",
    "nonspacingmark": "Mn",
    "spacingmark": "Mc",
    "enclosingmark": "Me",
    "number": "N",
    "decimalnumber": "Nd",
    "digit": "Nd",
    "letternumber": "Nl",
    "othernumber": "No",
    "punctuation": "P",
    "punct": "P",
    "connectorpunctuation": "Pc",
    "dashpunctuation": "Pd",
    "openpunctuation": "Ps",
    "closepunctuation": "Pe",
    "initialpunctuation": "Pi",
    "finalpunctuation": "Pf",
    "otherpunctuation": "Po",
    "symbol": "S",
    "mathsymbol": "Sm",
    "currencysymbol": "Sc",
    "modifiersymbol": "Sk",
    "othersymbol": "So",
    "separator": "Z",
    "spaceseparator": "Zs",
    "lineseparator": "Zl",
    "paragraphseparator": "Zp",
    "other": "C",
    "control": "Cc",
    "format": "Cf",
    "privateuse": "Co",
    "unassigned": "Cn",
}
_SHORT: Final = {short.lower(): short for short in _CATEGORIES.values()}
_PROPERTIES: Final[dict[str, Callable[[str], bool]]] = {
    "any": lambda _: True,
    "ascii": str.isascii,
    "alphabetic": str.isalpha,
    "uppercase": str.isupper,
    "lowercase": str.islower,
    "whitespace": str.isspace,
    "asciihexdigit": lambda char: char in "0123456789ABCDEFabcdef",
}
_HAN: Final = ("CJK UNIFIED ", "CJK COMPATIBILITY IDEOGRAPH", "CJK RADICAL", "KANGXI ")


@functools.lru_cache(maxsize=64)
def unicode_class(name: str, *, negated: bool = False) -> str:
    r"""Return what stands between the brackets for a property, such as `Lu`, `Greek` or `sc=Han`.

    A `^` before the name means all other characters, and so does `negated`.

    Raises:
        KeyError: There is no property of that name.
    """
    bare = re.sub(r"[\s_-]", "", name.lower())
    if bare.startswith("^"):
        bare, negated = bare[1:], not negated
    kind, equals, value = bare.partition("=")
    if equals and kind not in {"gc", "generalcategory", "sc", "script", "scx", "scriptextensions"}:
        raise KeyError(name)
    found = _members(value if equals else bare)
    if not found:
        raise KeyError(name)
    if negated:
        found = _all() - found
    return "".join(_ranges(sorted(found)))


def _members(name: str) -> frozenset[int]:
    """Return the characters of a property; none when there is no such property."""
    holds = _PROPERTIES.get(name)
    if holds is not None:
        return frozenset(code for code in _all() if holds(chr(code)))
    category = _CATEGORIES.get(name) or _SHORT.get(name)
    if category is not None:
        wanted = ("Lu", "Ll", "Lt") if category == "LC" else (category,)
        return frozenset(
            code for code in _all() if unicodedata.category(chr(code)).startswith(wanted)
        )
    starts = _HAN if name in {"han", "hani"} else (f"{name.upper()} ",)
    return frozenset(
        code
        for code in _all()
        if unicodedata.category(chr(code))[0] in "LMN"
        and unicodedata.name(chr(code), "").startswith(starts)
    )


@functools.lru_cache(maxsize=1)
def _all() -> frozenset[int]:
    return frozenset(range(_END)) - frozenset(_SURROGATES)


def _ranges(codes: Iterable[int]) -> list[str]:
    """Return sorted code points as parts of a class."""
    found: list[list[int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return [
        re.escape(chr(first)) + (f"-{re.escape(chr(last))}" if last > first else "")
        for first, last in found
    ]
