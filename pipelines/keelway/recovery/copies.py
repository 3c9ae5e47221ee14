"""Images copied with their evidence, each proved to verify as it did before.

Example:
    spec = copy_to("ghcr.io/shop/orders:1.0", "mirror.test/shop", tags=(), prefixes=())
    for one in await copy_all((spec,), find_login=keyring.find, verify=None):
        print(one.copied.target, one.copied.blobs_sent)
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.errors import KeelwayError, PublishError, RegistryError
from keelway.registry.client import open_repository
from keelway.registry.copying import Copied, copy_image
from keelway.registry.listing import list_tags
from keelway.verification.verify import verify_image

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from keelway.model.image import Digest
    from keelway.recovery.spec import CopySpec
    from keelway.registry.client import Repository
    from keelway.registry.logins import Login
    from keelway.verification.verify import VerifySpec

    FindLogin = Callable[[str], Awaitable[Login | None]]

_STAGE = "mirror"
_SIDE_BY_SIDE = 2
_EVIDENCE = "sha256-"
"""How tags begin that belong to a digest; what they name is copied with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """One image that is where it was wanted."""

    copied: Copied
    verified: bool | None
    """Whether it verifies there, as it does where it came from; nothing when nobody was asked."""


async def copy_all(
    specs: Sequence[CopySpec], *, find_login: FindLogin, verify: VerifySpec | None
) -> tuple[CopyResult, ...]:
    """Copy images; one that fails does not stop the others.

    Args:
        specs: What is copied where.
        find_login: Tells whom to log in as.
        verify: Whom to trust: what is copied must stand there as it does where it came from.

    Raises:
        PlanError: A login cannot be read.
        PublishError: Some are not where they were wanted; it says which, and what is done.
    """
    if verify is not None:
        # Each place is to speak for itself.
        verify = replace(verify, find_login=find_login, mirrors={})
    results: list[CopyResult] = []
    failed: list[str] = []
    await each(partial(_copy, find_login, verify, results, failed), specs, limit=_SIDE_BY_SIDE)
    if failed:
        raise PublishError(
            f"not everything was copied: {len(failed)} failed",
            failed=failed,
            done=[f"{one.copied.target}@{one.copied.digest}" for one in results],
            partial=tuple(results),
            next_step="correct the registry or the login and run again: what is there is not sent",
        )
    return tuple(results)


async def _copy(
    find_login: FindLogin,
    verify: VerifySpec | None,
    results: list[CopyResult],
    failed: list[str],
    spec: CopySpec,
) -> None:
    try:
        found = await _found(spec, find_login)
    except RegistryError as error:
        failed.append(f"{spec.source}: {_told(error)}")
        return
    for digest, tags in found.items():
        try:
            async with _opened(spec, find_login) as (source, target):
                copied = await copy_image(source, target, digest, tags)
            verified = None if verify is None else await _compared(spec, digest, verify)
        except RegistryError as error:
            failed.append(f"{spec.target}@{digest}: {_told(error)}")
        else:
            results.append(CopyResult(copied=copied, verified=verified))


async def _found(spec: CopySpec, find_login: FindLogin) -> dict[Digest, tuple[str, ...]]:
    """Return what is to be copied, each digest with all that names it there."""
    login = await find_login(spec.source)
    async with open_repository(spec.source, login=login, stage=_STAGE) as source:
        if spec.what is not None:
            return {(await source.manifest(spec.what)).digest: spec.tags}
        found: dict[Digest, tuple[str, ...]] = {}
        for tag in await list_tags(spec.source, login=login, stage=_STAGE):
            if not tag.startswith(_EVIDENCE):
                digest = (await source.manifest(tag)).digest
                found[digest] = (*found.get(digest, ()), tag)
        return found


@asynccontextmanager
async def _opened(
    spec: CopySpec, find_login: FindLogin
) -> AsyncGenerator[tuple[Repository, Repository]]:
    async with (
        open_repository(spec.source, login=await find_login(spec.source), stage=_STAGE) as source,
        open_repository(spec.target, login=await find_login(spec.target), stage=_STAGE) as target,
    ):
        yield source, target


async def _compared(spec: CopySpec, digest: Digest, verify: VerifySpec) -> bool:
    """Return whether an image verifies, which it must do equally in both places.

    Raises:
        RegistryError: It does not.
    """
    before, after = [
        await verify_image(f"{name}@{digest}", verify) for name in (spec.source, spec.target)
    ]
    if before.checks != after.checks:
        missing = [line for line in after.reasons() if line not in before.reasons()]
        raise RegistryError(
            f"{spec.target}@{digest} does not verify as {spec.source} does",
            stage=_STAGE,
            why="; ".join(missing) or None,
            next_step="run again; if it stays so, the registry loses what refers to an image",
        )
    return after.passed


def _told(error: KeelwayError) -> str:
    return error.message if error.why is None else f"{error.message} ({error.why})"
