"""`extends`: a service that begins as a copy of another one, of the same file or another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from keelway.compose.keys_service import EXTENDS
from keelway.compose.merge import merge
from keelway.compose.paths import absolute
from keelway.compose.shapes import check_shape
from keelway.compose.tree import Map, Node, Origin, Scalar, child
from keelway.config.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keelway.compose.problems import Problems

_Trail = tuple[tuple["Path", str], ...]


class Reader(Protocol):
    """What reads files: `keelway.compose.files.Files`."""

    problems: Problems

    def documents(self, origin: Origin) -> list[Node]:
        """Return a file's documents."""
        ...

    def origin(self, file: Path, folder: Path, environment: Mapping[str, str]) -> Origin:
        """Return a file as it is read with these variables."""
        ...

    def shown(self, file: Path) -> Path:
        """Return the path by which people know the file."""
        ...


def extended(document: Map, origin: Origin, reader: Reader) -> Map:
    """Return the document with every service that extends another one complete.

    Args:
        document: A compose file.
        origin: The file.
        reader: Reads the files that are named.

    Raises:
        ConfigError: When one cannot be read or is no YAML.
    """
    services = document.entries.get("services")
    if not isinstance(services, Map):
        return document
    found = {name: _complete(name, services, origin, (), reader) for name in services.entries}
    return document.with_entries({**document.entries, "services": services.with_entries(found)})


def _complete(name: str, services: Map, origin: Origin, trail: _Trail, reader: Reader) -> Node:
    """Return a service over what it extends."""
    service = services.entries[name]
    extends = child(service, "extends")
    if not isinstance(service, Map) or extends is None:
        return service
    path = ("services", name, "extends")
    check_shape(extends, EXTENDS, path, reader.problems)
    rest = service.without("extends")
    wanted = extends if isinstance(extends, Scalar) else child(extends, "service")
    if not isinstance(wanted, Scalar) or not isinstance(wanted.value, str):
        return rest
    here = (origin.file, name)
    if here in trail:
        chain = " extends ".join(f"{who} ({reader.shown(file)})" for file, who in (*trail, here))
        reader.problems.add(extends, path, f"services extend each other: {chain}")
        return rest
    source = _source(extends, services, origin, reader)
    if source is None or wanted.value not in source[0].entries:
        known = () if source is None else tuple(source[0].entries)
        text = f"there is no service '{wanted.value}' to extend"
        text += "" if source is None else f" in {source[1].shown}"
        reader.problems.add(wanted, path, text, suggestion=nearest(wanted.value, known))
        return rest
    base = _complete(wanted.value, source[0], source[1], (*trail, here), reader)
    made = merge(base, rest, ("services", name), reader.problems)
    return replace(made, place=rest.place, origin=rest.origin)


def _source(
    extends: Node, services: Map, origin: Origin, reader: Reader
) -> tuple[Map, Origin] | None:
    """Return the services of the file that is named, or of the same one."""
    named = child(extends, "file")
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        return services, origin
    file = absolute(named.value, extends.origin)
    if file == origin.file:
        return services, origin
    # What stands in the other file is relative to that file.
    there = reader.origin(file, file.parent, origin.environment)
    for document in reversed(reader.documents(there)):
        found = child(document, "services")
        if isinstance(found, Map):
            return found, there
    return None
