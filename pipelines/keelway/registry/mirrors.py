"""Where else what is in a registry may be read, when it does not answer. Pure.

Example:
    >>> places_of("ghcr.io/shop/orders", {"ghcr.io/shop": ("mirror.test/kept",)})
    ('ghcr.io/shop/orders', 'mirror.test/kept/orders')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.registry.retrying import is_passing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.errors import RegistryError


def places_of(repository: str, mirrors: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a repository and those that have the same images, in the order of asking.

    Args:
        repository: `host[:port]/path`.
        mirrors: Prefixes of mirrors, by the prefix that they stand for.
    """
    found = [repository]
    for prefix, places in mirrors.items():
        rest = repository.removeprefix(prefix.rstrip("/"))
        if rest != repository and rest.startswith("/"):
            found += [f"{place.rstrip('/')}{rest}" for place in places]
    return tuple(dict.fromkeys(found))


def may_be_elsewhere(error: RegistryError) -> bool:
    """Return whether a registry did not answer, failed or is too busy: no refusal, no tampering."""
    return error.unreached or (error.status is not None and is_passing(error.status))
