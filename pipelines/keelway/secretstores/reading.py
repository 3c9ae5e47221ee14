"""A secret of a store by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keelway.secretstores.aws import read_parameter, read_secret
from keelway.secretstores.vault import read_field

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_READERS: Final[Mapping[str, Callable[[str, Mapping[str, str]], bytes]]] = {
    "vault": read_field,
    "aws+sm": read_secret,
    "aws+ps": read_parameter,
}
STORES: Final = frozenset(_READERS)
"""The schemes of the stores that are read here."""


def read_from_store(scheme: str, place: str, environment: Mapping[str, str]) -> bytes:
    """Return a secret's value.

    Args:
        scheme: One of `STORES`.
        place: What follows `://`.
        environment: Where the store is and who asks it, in the variables of its own programs.

    Raises:
        StoreError: It cannot be had; the message has no secret in it.
    """
    return _READERS[scheme](place, environment)
