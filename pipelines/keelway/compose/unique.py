"""Lists whose entries have a key of their own: the last entry for a key is right.

It takes the place of the first, so that the order of what was written is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.compose.scalars import show
from keelway.compose.tree import Map, Node, Scalar, Seq
from keelway.compose.volume_form import VolumeFormError, split_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelway.compose.tree import KeyPath


def without_repetition(node: Node, path: KeyPath = ()) -> Node:
    """Return the node with one entry for each key, wherever entries have one.

    Args:
        node: What stands at the path.
        path: Where it stands.
    """
    match node:
        case Scalar():
            return node
        case Map():
            return node.with_entries(
                {k: without_repetition(v, (*path, k)) for k, v in node.entries.items()}
            )
        case Seq():
            key_of = _key(path)
            return node if key_of is None else node.with_items(_unique(node.items, key_of))


def _unique(items: tuple[Node, ...], key_of: Callable[[Node], str | None]) -> tuple[Node, ...]:
    kept: dict[object, Node] = {}
    for index, item in enumerate(items):
        key = key_of(item)
        # What has no key is as it should not be: it stays, and its reading tells what is wrong.
        kept[(index,) if key is None else key] = item
    return tuple(kept.values())


def _before_equals(item: Node) -> str | None:
    return show(item.value).partition("=")[0] if isinstance(item, Scalar) else None


def _whole(item: Node) -> str | None:
    return show(item.value) if isinstance(item, Scalar) else None


def _under(item: Node, key: str) -> str | None:
    found = item.entries.get(key) if isinstance(item, Map) else None
    return None if found is None else _whole(found)


def _volume(item: Node) -> str | None:
    if isinstance(item, Map):
        return _under(item, "target")
    try:
        return split_volume(str(_whole(item))).target
    except VolumeFormError:
        return None


def _device(item: Node) -> str | None:
    if isinstance(item, Map):
        return _under(item, "target") or _under(item, "source")
    parts = str(_whole(item)).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _grant(folder: str) -> Callable[[Node], str | None]:
    def key(item: Node) -> str | None:
        if isinstance(item, Map):
            source = _under(item, "source")
            return _under(item, "target") or (None if source is None else f"{folder}/{source}")
        return f"{folder}/{_whole(item)}"

    return key


def _env_file(item: Node) -> str | None:
    return _under(item, "path") if isinstance(item, Map) else _whole(item)


def _port(item: Node) -> str | None:
    """Return the key of a port: of short forms the text, since ranges are not taken apart yet."""
    if isinstance(item, Scalar):
        return show(item.value)
    parts = [_under(item, key) for key in ("host_ip", "published", "target", "protocol")]
    return ":".join(f"{part}" for part in parts)


_SERVICE: Mapping[str, Callable[[Node], str | None]] = {
    **dict.fromkeys(
        (
            "annotations",
            "build.additional_contexts",
            "build.args",
            "build.labels",
            "build.platforms",
            "build.tags",
            "cap_add",
            "cap_drop",
            "deploy.labels",
            "dns",
            "dns_opt",
            "dns_search",
            "environment",
            "labels",
            "links",
            "profiles",
            "sysctls",
            "tmpfs",
        ),
        _before_equals,
    ),
    "configs": _grant(""),
    "devices": _device,
    "env_file": _env_file,
    "expose": _whole,
    "ports": _port,
    "secrets": _grant("/run/secrets"),
    "volumes": _volume,
}
"""By the key below a service."""


def _key(path: KeyPath) -> Callable[[Node], str | None] | None:
    match path:
        case ("services" | "jobs", _, "networks", _, "aliases" | "link_local_ips"):
            return _before_equals
        case ("services" | "jobs", _, *rest):
            return _SERVICE.get(".".join(map(str, rest)))
        case ("networks" | "volumes" | "secrets" | "configs", _, "labels"):
            return _before_equals
        case _:
            return None
