"""What a plain YAML scalar means, as the reference implementation of Compose reads it.

That is YAML 1.2 with the numbers of YAML 1.1: `yes`, `no`, `on` and `off` are texts, `0755` and
`0o755` are octal, `1_000` is a thousand, and there is no base 60. Dates are texts, as they are
written; the reference makes points in time of them.

Example:
    >>> [read_plain(text) for text in ("on", "True", "0o17", "1.50", "~", "22:22")]
    ['on', True, 15, 1.5, None, '22:22']
    >>> show(1e21), show(1.50), show(True)
    ('1e+21', '1.5', 'true')
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keelway.compose.tree import PlainScalar

_WORDS: dict[str, PlainScalar] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys(("-0", "-0.0"), -0.0),
}
_INTEGERS = (
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
# Go writes an exponent from here on.
_EXPONENT_FROM = 21
_EXPONENT_BELOW = -4


def read_plain(text: str) -> PlainScalar:
    """Return what the scalar means when it stands without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if not text[:1].isdigit() and text[:1] not in "+-.":
        return text
    digits = text.replace("_", "") if text[0] != "." else text
    for form, radix in _INTEGERS:
        if form.fullmatch(digits):
            number = int(digits.lower().replace("o", ""), radix) if radix != 10 else int(digits)  # noqa: PLR2004 -- the radix of people
            return number if _SMALLEST <= number <= _LARGEST else float(digits)
    return float(digits) if _FLOAT.fullmatch(digits) else text


def show(value: PlainScalar) -> str:
    """Return the value as a text, as the reference implementation writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _show_float(value) if isinstance(value, float) else str(value)


def _show_float(value: float) -> str:
    text = repr(value)
    if text in {"inf", "-inf", "nan"}:
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[text]
    mantissa, _, exponent = f"{value:e}".partition("e")
    power = int(exponent)
    if power < _EXPONENT_BELOW or power >= _EXPONENT_FROM:
        mantissa, _, _ = text.partition("e") if "e" in text else (mantissa, "", "")
        return f"{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power):02d}"
    whole = f"{value:f}" if "e" in text else text
    return whole.rstrip("0").rstrip(".") if "." in whole else whole
