"""Other places that have the images of a registry, asked when it does not answer.

    KEELWAY_ENGINE_MIRRORS="docker.io=mirror.example.com/hub ghcr.io/shop=127.0.0.1:5000/shop"

What comes from there is held against its digest, as what comes from anywhere. A tag is read there
only where the registry itself cannot be reached, fails or is too busy.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from keelway.engine.errors import UnreachedError
from keelway.engine.store.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.store.reference import Reference

T = TypeVar("T")

VARIABLE = "KEELWAY_ENGINE_MIRRORS"


def mirrors_of(reference: Reference, listed: str) -> tuple[Reference, ...]:
    """Return where else an image may be, in the order in which it is listed.

    Args:
        reference: The image.
        listed: Pairs of prefixes, as `docker.io=mirror.example.com/hub`, parted by spaces.
    """
    found: list[Reference] = []
    for pair in listed.split():
        prefix, _, place = pair.partition("=")
        rest = reference.name.removeprefix(prefix.rstrip("/"))
        if place and rest != reference.name and rest.startswith("/"):
            there = parse_reference(f"{place.rstrip('/')}{rest}")
            found.append(replace(reference, host=there.host, path=there.path))
    return tuple(found)


def first_that_answers(reference: Reference, ask: Callable[[Reference], T]) -> T:
    """Return what a registry, or the first of its mirrors that answers, gives.

    Args:
        reference: The image.
        ask: Asks for it at a place.

    Raises:
        RegistryError: The registry refuses, or neither it nor a mirror answers.
    """
    try:
        return ask(reference)
    except UnreachedError as error:
        for place in mirrors_of(reference, os.environ.get(VARIABLE, "")):
            try:
                return ask(place)
            except UnreachedError as other:
                error.add_note(str(other))
        raise
