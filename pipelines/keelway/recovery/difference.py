"""What two images differ in, for people. Pure but for the manifests, which are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from keelway.registry.content import json_object

if TYPE_CHECKING:
    from keelway.model.image import Digest
    from keelway.registry.client import Repository
    from keelway.registry.content import Descriptor, Manifest


async def differences(
    before: Repository, wanted: Digest, after: Repository, found: Digest
) -> tuple[str, ...]:
    """Return one line for each difference of two images.

    Args:
        before: Where the first one is.
        wanted: Its digest.
        after: Where the second one is.
        found: Its digest.

    Raises:
        RegistryError: One of them cannot be read.
    """
    first, second = await before.manifest(wanted), await after.manifest(found)
    if not (first.is_index and second.is_index):
        return await _of_manifests("image", (before, first), (after, second))
    lines = _annotations("index", first, second)
    ours, theirs = _by_platform(first), _by_platform(second)
    for platform in sorted({*ours, *theirs}):
        if platform not in ours or platform not in theirs:
            lines += (f"{platform}: only in {'the new' if platform in theirs else 'the old'} one",)
        elif ours[platform].digest != theirs[platform].digest:
            lines += await _of_manifests(
                platform,
                (before, await before.manifest(ours[platform].digest)),
                (after, await after.manifest(theirs[platform].digest)),
            )
    return lines


def _by_platform(index: Manifest) -> dict[str, Descriptor]:
    return {one.platform or one.digest: one for one in index.manifests()}


def _annotations(what: str, first: Manifest, second: Manifest) -> tuple[str, ...]:
    ours: dict[str, object] = first.document.get("annotations") or {}
    theirs: dict[str, object] = second.document.get("annotations") or {}
    return _keys(f"{what}: annotation", ours, theirs)


async def _of_manifests(
    what: str, first: tuple[Repository, Manifest], second: tuple[Repository, Manifest]
) -> tuple[str, ...]:
    lines = _annotations(what, first[1], second[1])
    ours, theirs = first[1].layers(), second[1].layers()
    if len(ours) != len(theirs):
        lines += (f"{what}: {len(ours)} layers, now {len(theirs)}",)
    lines += tuple(
        f"{what}: layer {number} was {old.digest} ({old.size} bytes), "
        f"is {new.digest} ({new.size} bytes)"
        for number, (old, new) in enumerate(zip(ours, theirs, strict=False), 1)
        if old.digest != new.digest
    )
    return lines + await _of_configs(what, first, second)


async def _of_configs(
    what: str, first: tuple[Repository, Manifest], second: tuple[Repository, Manifest]
) -> tuple[str, ...]:
    old, new = [json_object(await place.blob(one.blobs()[0])) for place, one in (first, second)]
    lines = _keys(f"{what}: configuration", old, new, without=("rootfs", "history", "config"))
    ours: dict[str, object] = old.get("config") or {}
    theirs: dict[str, object] = new.get("config") or {}
    lines += _keys(f"{what}: configuration", ours, theirs, without=("Labels",))
    return lines + _keys(f"{what}: label", _labels(ours), _labels(theirs))


def _labels(config: dict[str, object]) -> dict[str, object]:
    found = config.get("Labels")
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _keys(
    what: str, ours: dict[str, object], theirs: dict[str, object], without: tuple[str, ...] = ()
) -> tuple[str, ...]:
    return tuple(
        f"{what} {key} was {ours.get(key)!r}, is {theirs.get(key)!r}"
        for key in sorted({*ours, *theirs})
        if key not in without and ours.get(key) != theirs.get(key)
    )
