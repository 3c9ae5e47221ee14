"""What publishing asks of a registry beside the push: its tags, and annotations of an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from keelway._registries import find_login
from keelway.tags.moving import hold_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway._stage import Run
    from keelway.model.image import Digest
    from keelway.model.registry import RegistrySpec
    from keelway.tags.annotations import Annotations
    from keelway.tags.moving import Floating


class Access(TypedDict):
    """What is needed to speak to registries directly."""

    registries: Sequence[RegistrySpec]
    """The configured ones."""
    files: Sequence[str]
    """Docker's configurations, the first that exists counts."""


async def held_tags(
    run: Run,
    repository: str,
    wanted: Sequence[Floating],
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
) -> dict[str, str]:
    """Return the tags that must stay where they are in a repository, with the reasons.

    Args:
        run: The run.
        repository: `host[:port]/path`.
        wanted: The tags that a release would move.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.

    Raises:
        PlanError: A password cannot be read.
        RegistryError: The registry does not list its tags.
    """
    if not wanted:
        return {}
    from keelway.registry.listing import list_tags  # noqa: PLC0415 - not for a plan

    login = await find_login(run, repository, registries=registries, files=files, stage="publish")
    present = await list_tags(repository, login=login, stage="publish")
    held = {one.tag: one.reason for one in hold_back(wanted, present)}
    for tag, reason in held.items():
        run.say("publish", f"{repository}:{tag} stays where it is: {reason}")
    return held


async def push_archives(
    run: Run,
    address: str,
    files_of_images: Sequence[str],
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
) -> Digest:
    """Let a tag name images that other machines built, and return the digest that it names then.

    Args:
        run: The run.
        address: `host[:port]/path:tag`.
        files_of_images: Their archives, one a platform: what is in them is sent as it is.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.

    Raises:
        PlanError: A password cannot be read.
        StageError: An archive cannot be read, or the registry does not take what is in it.
    """
    from keelway.registry.archive import open_archive  # noqa: PLC0415 - not for a plan
    from keelway.registry.client import open_repository  # noqa: PLC0415 - likewise
    from keelway.registry.pushing import push  # noqa: PLC0415 - likewise

    repository, _, tag = address.rpartition(":")
    login = await find_login(run, repository, registries=registries, files=files, stage="publish")
    archives = [open_archive(Path(file), stage="publish") for file in files_of_images]
    async with open_repository(repository, login=login, stage="publish") as opened:
        return await push(opened, archives, tag)


async def annotate_tag(
    run: Run,
    address: str,
    pushed: Digest,
    annotations: Annotations,
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
) -> Digest:
    """Let a tag name what was pushed with more annotations in its index, and return the digest.

    Args:
        run: The run.
        address: `host[:port]/path:tag`.
        pushed: The index as it was pushed.
        annotations: What is added.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.

    Raises:
        PlanError: A password cannot be read.
        RegistryError: The registry does not give or take the index.
    """
    from keelway.registry.annotating import annotate  # noqa: PLC0415 - not for a plan
    from keelway.registry.client import open_repository  # noqa: PLC0415 - likewise

    repository, _, tag = address.rpartition(":")
    login = await find_login(run, repository, registries=registries, files=files, stage="publish")
    async with open_repository(repository, login=login, stage="publish") as opened:
        return await annotate(opened, pushed, annotations, tag)


async def named_already(
    run: Run,
    repository: str,
    tags: Sequence[str],
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
) -> dict[str, Digest]:
    """Return what tags name that are there.

    Args:
        run: The run.
        repository: `host[:port]/path`.
        tags: Those that are asked for.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.

    Raises:
        PlanError: A password cannot be read.
        RegistryError: The registry does not tell.
    """
    if not tags:
        return {}
    from keelway.registry.client import open_repository  # noqa: PLC0415 - not for a plan

    login = await find_login(run, repository, registries=registries, files=files, stage="publish")
    async with open_repository(repository, login=login, stage="publish") as opened:
        found = [(tag, await opened.find(tag)) for tag in tags]
    return {tag: manifest.digest for tag, manifest in found if manifest is not None}


async def put_back(
    run: Run,
    address: str,
    digest: Digest,
    *,
    registries: Sequence[RegistrySpec],
    files: Sequence[str],
) -> None:
    """Let a tag name again what it named before.

    Args:
        run: The run.
        address: `host[:port]/path:tag`.
        digest: What it named.
        registries: The configured ones.
        files: Docker's configurations, the first that exists counts.

    Raises:
        PlanError: A password cannot be read.
        RegistryError: The registry does not take it.
    """
    from keelway.registry.client import open_repository  # noqa: PLC0415 - not for a plan

    repository, _, tag = address.rpartition(":")
    login = await find_login(run, repository, registries=registries, files=files, stage="publish")
    async with open_repository(repository, login=login, stage="publish") as opened:
        await opened.put_tag(tag, digest)
