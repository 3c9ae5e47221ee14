"""What is mounted into a service: `volumes` and `tmpfs`."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from keelway.compose.project import Mount, MountKind
from keelway.compose.sizes import parse_size
from keelway.compose.tree import Map
from keelway.compose.volume_form import VolumeForm, VolumeFormError, split_volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.compose.value import Value

_KINDS = {"bind": MountKind.BIND, "volume": MountKind.VOLUME, "tmpfs": MountKind.TMPFS}
_NO_EFFECT = frozenset(
    {"z", "Z", "cached", "delegated", "consistent", "shared", "slave", "rshared", "rslave"}
)
_DEFAULTS = frozenset({"rw", "private", "rprivate"})


def read_mounts(service: Value, root: Path) -> tuple[Mount, ...]:
    """Return what is mounted into the service, `volumes` before `tmpfs`.

    Args:
        service: The service.
        root: The folder that holds all of the project: no bind mount may lead outside.
    """
    found: list[Mount] = []
    for item in service.get("volumes").items():
        mount = _long(item, root) if isinstance(item.node, Map) else _short(item, root)
        found.extend(_placed(mount, item, found))
    for item in service.get("tmpfs").items():
        found.extend(_placed(_tmpfs(item), item, found))
    return tuple(found)


def _placed(mount: Mount | None, item: Value, others: list[Mount]) -> Iterator[Mount]:
    if mount is None:
        return
    if not mount.target.startswith("/"):
        item.error_if_enabled(f"'{mount.target}' is no absolute path in the container")
    if any(other.target == mount.target for other in others):
        item.error_if_enabled(f"something else is mounted at {mount.target} already")
    yield mount


def _short(item: Value, root: Path) -> Mount | None:
    try:
        form = split_volume(item.text() or "")
    except VolumeFormError as error:
        item.error(f"'{item.text()}' is no volume: {error}")
        return None
    _tell_options(item, form)
    target = posixpath.normpath(form.target)
    read_only = "ro" in form.options
    if form.is_path:
        return Mount(
            kind=MountKind.BIND,
            target=target,
            source=_source(item, form.source or "", root),
            read_only=read_only,
            place=item.place,
        )
    return Mount(
        kind=MountKind.VOLUME,
        target=target,
        source=form.source,
        read_only=read_only,
        no_copy="nocopy" in form.options,
        place=item.place,
    )


def _tell_options(item: Value, form: VolumeForm) -> None:
    for option in form.options:
        if option in _NO_EFFECT:
            text = f"the option {option} changes nothing for what is mounted here"
            item.problems.notice(item.near, item.path, text)
        elif option not in _DEFAULTS | {"ro", "nocopy"}:
            item.error_if_enabled(f"'{option}' is no option of a volume: ro, rw and nocopy are")


def _source(item: Value, text: str, root: Path) -> str:
    """Return the host's path, and tell when it is none that may be mounted."""
    if VolumeForm(text, "").is_windows:
        item.error_if_enabled(f"'{text}' is a path of Windows: write one that is relative")
        return text
    path = item.path_of(text)
    if not path.resolve().is_relative_to(root):
        where = f"'{text}' is outside of the project ({root})"
        item.error_if_enabled(f"{where}: nothing there is mounted")
    return str(path)


def _long(item: Value, root: Path) -> Mount | None:
    named = item.get("type").text() or ""
    kind = _KINDS.get(named)
    target = item.get("target").text()
    if kind is None:
        item.error_if_enabled(f"cannot be done here: a volume of type {named}")
        return None
    if not target:
        item.error("the key 'target' is required, and it is missing")
        return None
    source = item.get("source").text()
    if kind is MountKind.BIND:
        if not source:
            item.error("the key 'source' is required, and it is missing")
            return None
        source = _source(item.get("source"), source, root)
    creates = item.get("bind", "create_host_path").flag()
    return Mount(
        kind=kind,
        target=posixpath.normpath(target),
        source=None if kind is MountKind.TMPFS else source,
        read_only=item.get("read_only").flag() or False,
        create_host_path=creates is not False,
        subpath=item.get("volume", "subpath").text(),
        no_copy=item.get("volume", "nocopy").flag() or False,
        size=item.get("tmpfs", "size").size(),
        mode=item.get("tmpfs", "mode").mode(),
        place=item.place,
    )


def _tmpfs(item: Value) -> Mount:
    target, _, written = (item.text() or "").partition(":")
    numbers: dict[str, int] = {}
    is_read_only = False
    for option in filter(None, written.split(",")):
        name, _, value = option.partition("=")
        try:
            if name == "size":
                numbers[name] = parse_size(value)
            elif name in {"mode", "uid", "gid"}:
                numbers[name] = int(value, 8 if name == "mode" else 10)
            elif name in {"ro", "rw"}:
                is_read_only = name == "ro"
            else:
                text = f"the option {option} is left to the engine"
                item.problems.notice(item.near, item.path, text)
        except ValueError:
            item.error(f"'{option}' is no option of a tmpfs")
    return Mount(
        kind=MountKind.TMPFS,
        target=posixpath.normpath(target),
        read_only=is_read_only,
        size=numbers.get("size"),
        mode=numbers.get("mode"),
        uid=numbers.get("uid"),
        gid=numbers.get("gid"),
        place=item.place,
    )
