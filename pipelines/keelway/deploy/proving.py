"""A release looked at before a host is: its digests, and whether they verify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.deploy.host import STAGE
from keelway.deploy.target import Checked
from keelway.errors import GateError, PlanError, RegistryError
from keelway.model.rollout import Wanted
from keelway.registry.client import open_repository
from keelway.tags.reference import BadReferenceError, parse_reference
from keelway.verification.verify import refusal, verify_image

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keelway.registry.logins import Login
    from keelway.verification.verify import Verification, VerifySpec

    FindLogin = Callable[[str], Awaitable[Login | None]]

UNVERIFIED = "nothing was verified: require_verified is false"


async def prove(wanted: Wanted, spec: VerifySpec | None, find_login: FindLogin) -> Checked:
    """Return a release by its digests, with what was verified of it.

    Args:
        wanted: Its images by tag or digest.
        spec: What is asked of them; nothing where they need not verify.
        find_login: Tells whom to log in as.

    Raises:
        GateError: An image does not verify; no host was looked at.
        PlanError: A reference is none.
        RegistryError: An image is not there.
    """
    images: dict[str, str] = {}
    evidence: list[str] = []
    for name, reference in wanted.images.items():
        if spec is None:
            images[name] = await digest_of(reference, find_login)
            continue
        found = await verify_image(reference, replace(spec, find_login=find_login))
        if not found.passed:
            raise refusal(found)
        images[name] = _named(reference, found.digest)
        evidence += _lines(name, found)
    return Checked(
        wanted=Wanted(version=wanted.version, images=images),
        evidence=tuple(evidence) or (UNVERIFIED,),
    )


def refused_words(error: GateError | RegistryError) -> str:
    """Return why a release was refused, on one line."""
    reasons = error.verdict.reasons() if isinstance(error, GateError) else ()
    return f"refused: {'; '.join((error.message, *reasons))}"


def _lines(name: str, found: Verification) -> list[str]:
    return [f"{name}: {one.name} ({one.subject}): {one.text}" for one in found.checks]


def _named(reference: str, digest: str) -> str:
    return f"{parse_reference(reference).repository}@{digest}"


async def digest_of(reference: str, find_login: FindLogin) -> str:
    """Return what a reference names now: `registry/repository@sha256:...`.

    Raises:
        PlanError: It is no reference.
        RegistryError: The image is not there.
    """
    try:
        parsed = parse_reference(reference)
    except BadReferenceError as error:
        raise PlanError(str(error), next_step="name it as registry/repository:tag") from error
    login = await find_login(parsed.repository)
    async with open_repository(parsed.repository, login=login, stage=STAGE) as repository:
        found = await repository.manifest(parsed.digest or parsed.tag or "latest")
    return f"{parsed.repository}@{found.digest}"
