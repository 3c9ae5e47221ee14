"""A service's `build`, and what its containers are given as files."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from keelway.compose.paths import is_remote
from keelway.compose.project import Build, FileGrant
from keelway.compose.tree import Map, Scalar

if TYPE_CHECKING:
    from keelway.compose.value import Value

_SERVICE = "service:"


def read_build(value: Value) -> Build | None:
    """Return how the service's image is built; nothing where it is not."""
    if not value.is_there:
        return None
    if isinstance(value.node, Scalar):
        return Build(context=_context(value))
    if value.get("dockerfile").is_there and value.get("dockerfile_inline").is_there:
        value.error_if_enabled("dockerfile and dockerfile_inline exclude each other")
    contexts = value.get("additional_contexts")
    return Build(
        context=_context(value.get("context")),
        dockerfile=value.get("dockerfile").text(),
        dockerfile_inline=value.get("dockerfile_inline").text(),
        target=value.get("target").text(),
        args=value.get("args").filled_pairs(),
        secrets=read_grants(value.get("secrets")),
        additional_contexts={
            name: _additional(contexts, text or "") for name, text in contexts.pairs().items()
        },
        platforms=value.get("platforms").texts(),
        labels=texts_of(value.get("labels")),
        ssh=tuple(
            name if not path else f"{name}={path}"
            for name, path in value.get("ssh").pairs().items()
        ),
        network=value.get("network").text(),
        no_cache=value.get("no_cache").flag() or False,
        pull=value.get("pull").flag() or False,
        shm_size=value.get("shm_size").size(),
        tags=value.get("tags").texts(),
        cache_from=value.get("cache_from").texts(),
        cache_to=value.get("cache_to").texts(),
        extra_hosts=read_hosts(value.get("extra_hosts")),
    )


def _context(value: Value) -> str:
    written = value.text() or "."
    return written if is_remote(written) else str(value.path_of(written))


def _additional(value: Value, written: str) -> str:
    """Return a further context: a service's image, something elsewhere, or a folder."""
    if written.startswith(_SERVICE) or is_remote(written):
        return written
    return str(value.path_of(written))


def read_grants(value: Value) -> tuple[FileGrant, ...]:
    """Return the secrets or configs that are given as files."""
    found: list[FileGrant] = []
    for item in value.items():
        if not isinstance(item.node, Map):
            found.append(FileGrant(source=item.text() or ""))
            continue
        source = item.get("source").text()
        if source is None:
            item.error("the key 'source' is required, and it is missing")
            continue
        found.append(
            FileGrant(
                source=source,
                target=item.get("target").text(),
                uid=item.get("uid").text(),
                gid=item.get("gid").text(),
                mode=item.get("mode").mode(),
            )
        )
    return tuple(found)


def texts_of(value: Value) -> dict[str, str]:
    """Return pairs as texts; a name alone has an empty one."""
    return {name: text or "" for name, text in value.pairs().items()}


def read_hosts(value: Value) -> dict[str, tuple[str, ...]]:
    """Return addresses by name: `NAME=IP`, `NAME:IP`, or a mapping; an IPv6 one may have [ ]."""
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(value.node, Map):
        for name, listed in value.entries().items():
            found[name] = tuple(map(_bare, listed.texts()))
        return found
    for item in value.items():
        written = item.text() or ""
        divider = "=" if "=" in written else ":"
        name, divided, addresses = written.partition(divider)
        if not name or not divided:
            item.error(f"'{written}' is no host: write NAME=ADDRESS")
            continue
        found[name] = (*found.get(name, ()), *map(_bare, addresses.split(",")))
    return found


def _bare(address: str) -> str:
    bare = address.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        # host-gateway, or a name that the engine knows.
        return address
    return bare
