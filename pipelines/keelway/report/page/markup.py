"""HTML made of values: every text is escaped, since nothing but this module makes `Html`.

Example:
    >>> tag("p", "a < b", cls="note")
    Html('<p class="note">a &lt; b</p>')
    >>> tag("ul", [tag("li", name) for name in ("one", "two")])
    Html('<ul><li>one</li><li>two</li></ul>')

A template language would bring a dependency, and templates that no type checker reads.
"""

from __future__ import annotations

import html
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from keelway.report.junit import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"br", "hr", "input", "link", "meta"})
_WEB = frozenset({"http", "https"})


class Html(str):
    """A piece of HTML; a `str` that is none is text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Html({super().__repr__()})"


Content = str | None | bool | int | float
"""What may stand in an element: markup, text, a number. Nothing is left out."""


def escape(text: str) -> Html:
    """Return a text as HTML: secrets masked, control characters replaced, markup escaped."""
    if isinstance(text, Html):
        return text
    return Html(_escaped(text))


@lru_cache(maxsize=4096)  # names of columns, images and platforms come again in every row
def _escaped(text: str) -> str:
    return html.escape(clean(text), quote=True)


def tag(name: str, /, *content: Content | Iterable[Content], **attributes: Content) -> Html:
    """Return an element.

    Args:
        name: The element's name.
        content: What is in it, texts escaped.
        attributes: `cls` is `class`; `_` becomes `-`, and is dropped from the end. None and False
            leave the attribute out, True gives it no value.
    """
    words = [name, *(_attribute(key, value) for key, value in attributes.items())]
    opening = f"<{' '.join(word for word in words if word)}>"
    return Html(opening if name in _VOID else f"{opening}{join(*content)}</{name}>")


def join(*content: Content | Iterable[Content]) -> Html:
    """Return pieces one after the other."""
    return Html("".join(_pieces(content)))


def _pieces(content: Iterable[Content | Iterable[Content]]) -> Iterable[str]:
    for piece in content:
        if piece is None or piece is False:
            continue
        if isinstance(piece, str):
            yield escape(piece)
        elif isinstance(piece, int | float):
            yield str(piece)
        else:
            yield from _pieces(piece)


def _attribute(key: str, value: Content) -> str:
    name = "class" if key == "cls" else key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return name
    return f'{name}="{_escaped(str(value))}"'


def link(address: str | None, text: Content) -> Html:
    """Return a link to a page of the web; only the text where the address is none."""
    if address is None or urlsplit_scheme(address) not in _WEB:
        return join(text)
    return tag("a", text, href=address, rel="noreferrer noopener")


def file_link(path: str, text: Content = None) -> Html:
    """Return a link to a file beside the page.

    The path is kept from being an address of another kind: it begins with `./` and is encoded.
    """
    return tag("a", path if text is None else text, href=f"./{quote(path)}")


def urlsplit_scheme(address: str) -> str:
    """Return the scheme of an address; an empty text where there is none."""
    try:
        return urlsplit(address.strip()).scheme.lower()
    except ValueError:
        return ""
